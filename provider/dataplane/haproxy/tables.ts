/** A table of the Runtime API: its first line names the columns, after "# ". */
export function readTable(text: string, separator: "," | " " = " "): Record<string, string>[] {
  const [head, ...lines] = text.split("\n");
  const names = (head ?? "").replace(/^# ?/, "").split(separator);
  return lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const values = line.split(separator);
      return Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""]));
    });
}
