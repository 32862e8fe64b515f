import { z } from "zod";
import { field } from "./field";

export const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is no name of an environment variable");
const value = field(z.string("must be a text"));

export const environment = z.record(environmentName, value);
/** RFC 9110: what Node would refuse at each request is refused once, before anything is created. */
const headerName = z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "is no name of a header field");
const headerValue = field(z.string("must be a text").regex(/^[\t\x20-\x7e\x80-\xff]*$/, "must be a text of one line"));
export const headers = z.record(headerName, headerValue);
