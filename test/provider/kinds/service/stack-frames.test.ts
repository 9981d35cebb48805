/** What an error leaves out of what a program said. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { withoutFrames } from "../../../../provider/kinds/service/stack-frames";

const shown = (said: string) =>
  spawnSync("sh", ["-c", withoutFrames.text], { input: said, encoding: "utf8" }).stdout;

test("of a Ruby program its causes are shown, whichever Ruby it is", (t) => {
  const said = [
    "bin/rails aborted!",
    "Mysql2::Error: Unknown column 'none' in 'field list' (Mysql2::Error)",
    "/srv/shop/dependencies/a-ruby-3.3/vendor/bundle/ruby/3.3.0/gems/mysql2-0.5.7/lib/mysql2/client.rb:151:in `_query'",
    "bin/rails:4:in `<main>'",
    "\tfrom config.ru:3:in 'block in <main>'",
    "\t 5: from config.ru:3:in `require'",
    "[7d0a-11] app/models/order.rb:3:in 'Order#total'",
    "config.ru:3:in `require_relative': cannot load such file -- none (LoadError)",
    "config.ru:3:in 'Object#none': undefined method 'none' for nil (NoMethodError)",
    "/usr/share/rubygems-integration/all/gems/bundler-4.0.22/lib/bundler/installer.rb:83:in",
    "`block in run'",
    "/usr/share/rubygems-integration/all/gems/bundler-4.0.22/exe/bundle:20:in `<top",
    "Caused by:",
  ].join("\n");
  t.deepEqual(shown(said).split("\n"), [
    "bin/rails aborted!",
    "Mysql2::Error: Unknown column 'none' in 'field list' (Mysql2::Error)",
    "config.ru:3:in `require_relative': cannot load such file -- none (LoadError)",
    "config.ru:3:in 'Object#none': undefined method 'none' for nil (NoMethodError)",
    "Caused by:",
    "",
  ]);
});

test("so are those of Node, Java and PHP, and all that Python says", (t) => {
  const said = [
    "Error: Cannot find module 'none'",
    "    at Module._load (node:internal/modules/cjs/loader:1:2)",
    "    at async file:///srv/shop/current/server.js:3:4",
    "Caused by: java.lang.IllegalStateException: closed",
    "\tat shop.Main.main(Main.java:3)",
    "\t... 23 more",
    "PHP Fatal error:  Uncaught Error: Call to undefined function none() in /srv/shop/x.php:2",
    "#0 {main}",
    "Traceback (most recent call last):",
    '  File "main.py", line 1, in <module>',
    "ModuleNotFoundError: No module named 'none'",
    "  at noon",
  ];
  const left = [0, 3, 6, 8, 9, 10, 11].map((at) => said[at]);
  t.deepEqual(shown(said.join("\n")).split("\n"), [...left, ""]);
});
