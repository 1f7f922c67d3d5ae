//! The package's `package.json`.

/// Writes the manifest of a version.
pub(crate) fn manifest(version: &str) -> String {
    let esm = |name: &str| format!(r#"{{ "types": "./dist/{name}.d.ts", "default": "./dist/{name}.js" }}"#);
    let both = |name: &str| {
        format!(
            r#"{{
      "import": {},
      "require": {{ "types": "./dist/{name}.d.cts", "default": "./dist/{name}.cjs" }}
    }}"#,
            esm(name)
        )
    };
    let (index, react, testing) = (both("index"), both("react"), both("testing"));
    let (url, global) = (esm("url"), esm("global"));
    format!(
        r#"{{
  "name": "mvchat-client",
  "version": "{version}",
  "description": "Chat for browsers, offline first: the mvchat client",
  "keywords": ["chat", "messaging", "messenger", "websocket", "offline-first"],
  "license": "MIT OR Apache-2.0",
  "repository": {{ "type": "git", "url": "git+https://github.com/mvchat/mvchat.git", "directory": "mvchat-client-wasm" }},
  "type": "module",
  "sideEffects": ["./dist/global.js"],
  "engines": {{ "node": ">=20" }},
  "main": "./dist/index.cjs",
  "module": "./dist/index.js",
  "types": "./dist/index.d.ts",
  "typesVersions": {{
    "*": {{
      "url": ["./dist/url.d.ts"],
      "react": ["./dist/react.d.ts"],
      "testing": ["./dist/testing.d.ts"],
      "global": ["./dist/global.d.ts"]
    }}
  }},
  "unpkg": "./dist/global.js",
  "exports": {{
    ".": {index},
    "./url": {url},
    "./react": {react},
    "./testing": {testing},
    "./global": {global},
    "./mvchat.wasm": "./dist/mvchat.wasm",
    "./package.json": "./package.json"
  }},
  "files": ["dist", "LICENSE-MIT", "LICENSE-APACHE", "README.md"],
  "peerDependencies": {{ "react": ">=18" }},
  "peerDependenciesMeta": {{ "react": {{ "optional": true }} }}
}}
"#
    )
}
