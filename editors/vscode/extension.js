const { extensions, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const [command, ...args] = workspace.getConfiguration("archspec").get("command");
  client = new LanguageClient("archspec", "archspec", { command, args }, {
    documentSelector: [{ scheme: "file", language: "yaml" }],
    initializationOptions: { yaml: checkedByYaml() },
    synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.{yaml,yml}") },
  });
  await client.start();
};

exports.deactivate = () => client?.stop();

// Of which specs the YAML extension has the schema, so that nothing is said twice.
function checkedByYaml() {
  const yaml = workspace.getConfiguration("yaml");
  if (!extensions.getExtension("redhat.vscode-yaml") || !yaml.get("validate", true)) return "";
  const schemas = Object.keys(yaml.get("schemas", {}));
  return schemas.some((name) => /archspec.*schema|archspec\/schema/.test(name)) ? "all" : "named";
}
