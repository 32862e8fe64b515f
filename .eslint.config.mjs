// Not under ESLint's default name, so that the top level holds dot-files only; `npm run lint` names it.
import eslint from "@eslint/js";
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/**
 * The layers, inside provider/: which folders each folder may import from, itself always included. Nothing else may be
 * imported across folders: core <- ports <- adapters <- edges, and adapters never know their siblings.
 */
const mayImport = {
  core: [],
  ports: ["core"],
  host: ["core", "ports"],
  prober: ["core", "ports", "host"],
  configurer: ["core", "ports"],
  store: ["core", "ports", "host"],
  clouds: ["core", "ports", "host"],
  dataplane: ["core", "ports", "host"],
  // An edge, but one that is handed its adapters: the same loop runs under a handler, in the agent and under test.
  controller: ["core", "ports"],
};

/** Adapters that stand side by side: each may use itself and the files directly in the folder above it. */
const siblings = {
  store: ["file"],
  clouds: ["local"],
  dataplane: ["embedded", "haproxy"],
};

const layerZones = [
  ...Object.entries(mayImport).map(([folder, others]) => ({
    target: `./provider/${folder}`,
    from: "./provider",
    except: [folder, ...others].map((name) => `./${name}`),
    message: `provider/${folder} may import ${others.length === 0 ? "nothing but itself" : `only ${others.join(", ")} and itself`}.`,
  })),
  ...Object.entries(siblings)
    .flatMap(([folder, names]) =>
      names.map((name) => ({
        target: `./provider/${folder}/${name}`,
        from: names.filter((other) => other !== name).map((other) => `./provider/${folder}/${other}`),
        message: `provider/${folder}/${name} must not know its siblings.`,
      })),
    )
    .filter((zone) => zone.from.length > 0),
  { target: "./provider", from: "./sdk", message: "Provider code never imports the SDK: it runs in another process." },
  { target: "./provider", from: "./tests", message: "What ships never imports tests." },
  { target: "./sdk", from: "./tests", message: "What ships never imports tests." },
];

const impureGlobals = [
  "process",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "performance",
  "crypto",
  "fetch",
  "console",
  "require",
].map((name) => ({ name, message: "provider/core decides from its arguments alone." }));

export default tseslint.config(
  { ignores: ["dist/**", "**/node_modules/**", "**/bin/**"] },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { "import-x": importX },
    settings: {
      "import-x/resolver-next": [createNodeResolver({ extensions: [".ts", ".js", ".json"] })],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
    },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", ignoreRestSiblings: true }],
      // Ports and handlers are asynchronous by contract, also where an implementation has nothing to wait for.
      "@typescript-eslint/require-await": "off",
      "import-x/no-restricted-paths": ["error", { zones: layerZones }],
      "max-lines": ["warn", { max: 400 }],
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  {
    files: ["provider/core/**/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^(?!\\.\\.?/|zod$|@noble/hashes/|fastest-levenshtein$)",
              message: "provider/core imports itself, zod, @noble/hashes and fastest-levenshtein, nothing else.",
            },
          ],
        },
      ],
      "no-restricted-globals": ["error", ...impureGlobals],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Time comes in as an argument." },
        { object: "Math", property: "random", message: "The same arguments must give the same decision." },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: "Time comes in as an argument." },
      ],
    },
  },
  {
    files: ["sdk/**/*.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^(\\.\\./)+provider(/|$)|^pulumi-serve/provider$",
              allowTypeImports: true,
              message: "A program must not load provider code: types only, and the shim's own require.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["tests/**/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    files: ["**/*.js", "**/*.mjs", "**/*.cjs"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...["process", "console", "Buffer", "URL", "setTimeout", "clearTimeout", "setInterval", "clearInterval"],
          "module",
          "require",
          "exports",
          "__dirname",
          "fetch",
          "AbortController",
          "setImmediate",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
);
