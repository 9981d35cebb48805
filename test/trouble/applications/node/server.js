import { createServer } from "node:http";
import mime from "mime";

createServer((_request, response) => {
  response.setHeader("content-type", mime.getType("x.txt"));
  response.end(`node ${process.env.NODE_ENV}\n`);
}).listen(process.env.PORT, process.env.HOST);
