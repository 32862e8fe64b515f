/** A piece of a body up to this goes out as one string with the head or the framing before it: one write instead of two. */
export const JOINED_BYTES = 8192;
