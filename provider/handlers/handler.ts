import type { CheckFailure } from "../core/spec/check-result";

/** Inputs or outputs as they come through Pulumi's protocol: JSON, and whatever an old release wrote. */
export type Props = Record<string, unknown>;

export interface CheckReply {
  inputs: Props;
  failures: CheckFailure[];
}

export interface DiffReply {
  /** Absent: Pulumi compares the inputs itself, and shows which field changed. True: drift that inputs cannot show. */
  changes?: true;
  replaces?: string[];
  deleteBeforeReplace?: boolean;
}

/** What the shim forwards to. Kept free of Pulumi's types, so that it can sit behind another kind of provider later. */
export interface Handler {
  check(olds: Props, news: Props): Promise<CheckReply>;
  diff(id: string, olds: Props, news: Props): Promise<DiffReply>;
  create(inputs: Props): Promise<{ id: string; outs: Props }>;
  read(id: string, props: Props): Promise<{ id: string; props: Props }>;
  update(id: string, olds: Props, news: Props): Promise<{ outs: Props }>;
  delete(id: string, props: Props): Promise<void>;
}
