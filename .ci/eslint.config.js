// What is asked of the scripts of archspec/page/web; how they are laid out is Prettier's.
const BROWSER = [
  "Blob",
  "DecompressionStream",
  "ResizeObserver",
  "Response",
  "addEventListener",
  "atob",
  "document",
  "history",
  "location",
  "performance",
  "requestAnimationFrame",
  "setTimeout",
  "window",
];

export default [
  {
    files: ["archspec/page/web/*.js"],
    languageOptions: { globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])) },
    rules: {
      eqeqeq: "error",
      "no-const-assign": "error",
      "no-dupe-keys": "error",
      "no-duplicate-imports": "error",
      "no-empty": ["error", { allowEmptyCatch: true }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-param-reassign": "error",
      "no-shadow": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-vars": "error",
      "no-useless-escape": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
];
