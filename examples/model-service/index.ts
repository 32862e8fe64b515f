import * as serve from "pulumi-serve";

const echo = new serve.ModelService("echo", {
  endpoint: 8090,
  template: { run: "exec node server.js", workdir: "./app" },
});

export const url = echo.url;
