/** What an error leaves out of what a program said. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { causes, withoutFrames } from "../../../../provider/kinds/service/stack-frames";

const pass = (said: string, { text }: { readonly text: string }) =>
  spawnSync("sh", ["-c", text], { input: said, encoding: "utf8" }).stdout;

const shown = (said: string) => pass(said, withoutFrames);

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
    "shop.service: Failed to read pids.max for control group /docker/3a/shop.service, ignoring: No data available",
    "ssh.service: Unit process 10332 (sshd-session) remains running after unit stopped.",
    "Traceback (most recent call last):",
    '  File "main.py", line 1, in <module>',
    "ModuleNotFoundError: No module named 'none'",
    "  at noon",
  ];
  const left = [0, 3, 6, 10, 11, 12, 13].map((at) => said[at]);
  t.deepEqual(shown(said.join("\n")).split("\n"), [...left, ""]);
});

test("of a log in colours the words are shown, and the stacks are known", (t) => {
  const said =
    "[\x1b[31mERROR\x1b[39m] none such\n\x1b[31m\n\n    at start (boot.js:1:2)\x1b[39m\n";
  t.is(shown(said), "[ERROR] none such\n");
});

/** As Ghost does: the cause, all that is known of it, and how it ends. */
const long = [
  "starting",
  ...["ERROR Invalid configuration:", "- scheduling: none such", "Details:", "one", "two"],
  ...Array.from({ length: 20 }, (_, line) => `field ${line}`),
  "bye",
];

test("the first error is shown where the last lines no longer have it", (t) => {
  const all = pass(long.join("\n"), causes(10)).trimEnd().split("\n");
  t.deepEqual(all, [...long.slice(1, 6), "...", "field 17", "field 18", "field 19", "bye"]);
});

test("otherwise the last lines are shown, as many as there are", (t) => {
  t.is(pass("one\ntwo\n", causes(10)), "one\ntwo\n");
  const noError = long.filter((line) => !line.startsWith("ERROR"));
  t.is(pass(noError.join("\n"), causes(3)), "field 18\nfield 19\nbye\n");
  t.is(pass("one\nError: two\nthree\n", causes(2)), "Error: two\nthree\n");
});
