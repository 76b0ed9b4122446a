const { extensions, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const [command, ...args] = workspace.getConfiguration("archspec").get("command");
  client = new LanguageClient("archspec", "archspec", { command, args }, {
    documentSelector: ["file", "untitled"].map((scheme) => ({ scheme, language: "yaml" })),
    initializationOptions: { yaml: checkedByYaml() },
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.{yaml,yml}") },
  });
  await client.start();
};

exports.deactivate = () => client?.stop();

// The patterns of the files of which the YAML extension has the schema, so that nothing is said twice.
function checkedByYaml() {
  const yaml = workspace.getConfiguration("yaml");
  if (!extensions.getExtension("redhat.vscode-yaml") || !yaml.get("validate", true)) return false;
  const schemas = Object.entries(yaml.get("schemas", {}));
  const patterns = schemas.filter(([name]) => /archspec/.test(name)).flatMap(([, files]) => files);
  return patterns.length ? patterns : true;
}
