export { hashWorkdir, type WorkdirContent } from "./hash";
export { hashTar, packWorkdir, unpackTar } from "./tar";
