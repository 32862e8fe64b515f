export { createHttpProber, type HttpProberOptions, type ProbeSecret } from "./http-prober";
