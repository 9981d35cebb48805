/** What Ghost would be: it makes its tables as it starts. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createPool } from "mysql2/promise";

const setting = (name) => process.env[`database__connection__${name}`];
const pool = createPool({
  ...{ host: setting("host"), port: Number(setting("port")), database: setting("database") },
  ...{ user: setting("user"), password: setting("password") },
  ssl: {
    ca: readFileSync(process.env.DATABASE_SSL_CA),
    ...{ rejectUnauthorized: true, verifyIdentity: true },
  },
});
await pool.query(
  "CREATE TABLE IF NOT EXISTS notes (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100) NOT NULL)",
);

async function answer(request, response) {
  const { method, url } = request;
  if (method === "POST" && url === "/notes") {
    const body = Buffer.concat(await request.toArray()).toString();
    await pool.execute("INSERT INTO notes (text) VALUES (?)", [
      new URLSearchParams(body).get("text"),
    ]);
    response.writeHead(201).end();
  } else if (url === "/notes" || url === "/ghost/api/admin/site/") {
    const [rows] = await pool.query("SELECT text FROM notes");
    response.end(rows.map(({ text }) => `${text}\n`).join(""));
  } else response.writeHead(404).end(`no page ${url}\n`);
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
}).listen(Number(process.env.PORT), process.env.HOST);
