// The smallest thing that can be served: it says back what it was sent.
const { createServer } = require("node:http");

const server = createServer((request, response) => request.pipe(response));

// The balancer decides how long a connection is kept.
server.keepAliveTimeout = 0;
server.listen(Number(process.env.PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
