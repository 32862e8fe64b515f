export { httpConfigurer } from "./http-configurer";
