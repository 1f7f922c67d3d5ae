//! Makes the seeds of the corpus from what is written down elsewhere: recorded frames, the book's frames, the annotated
//! configuration. `cargo run -p mvchat-fuzz-laws --example seed` writes them; what the fuzzer found stays beside them.
#![expect(clippy::unwrap_used, reason = "a tool for developers stops at the first surprise")]

use mvchat_server::config::{Config, Preset, example};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seeds = Seeds { corpus: root.join("fuzz/corpus"), shapes: BTreeMap::new() };
    let golden = root.join("mvchat-core/tests/golden");
    for file in ["t1", "t2"].iter().flat_map(|folder| files(&golden.join(folder))) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        seeds.frame(&text, name.contains("-from-"));
    }
    for line in files(&golden.join("own")).iter().flat_map(lines) {
        let line: Value = serde_json::from_str(&line).unwrap();
        if !line["frame"].is_null() {
            seeds.frame(&line["frame"].to_string(), !line["from"].is_null());
        }
    }
    for file in files(&root.join("book/frames")) {
        let text = fs::read_to_string(file).unwrap();
        seeds.frame(&text, true);
        seeds.frame(&text, false);
    }
    seeds.cursors();
    seeds.configs();
    seeds.tokens();
    seeds.sessions();
}

struct Seeds {
    corpus: PathBuf,
    /// How many seeds of each shape there are: frames that differ in an id only teach the fuzzer nothing.
    shapes: BTreeMap<(&'static str, String), usize>,
}

impl Seeds {
    fn put(&self, law: &str, data: &[u8]) {
        let folder = self.corpus.join(law);
        fs::create_dir_all(&folder).unwrap();
        let digest = Sha256::digest(data);
        let name: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        fs::write(folder.join(format!("seed-{name}")), data).unwrap();
    }

    /// One of each shape.
    fn put_new(&mut self, law: &'static str, shape: String, data: &[u8]) {
        let count = self.shapes.entry((law, shape)).or_default();
        *count += 1;
        if *count == 1 {
            self.put(law, data);
        }
    }

    fn frame(&mut self, text: &str, from_client: bool) {
        let text = names(text);
        let Ok(frame) = serde_json::from_str::<Value>(&text) else {
            return self.put_new("envelope", text.chars().take(12).collect(), text.as_bytes());
        };
        let law = if from_client { "envelope" } else { "notice" };
        self.put_new(law, shape(&frame), text.trim_end().as_bytes());
        for part in [&frame["send"], &frame["edit"], &frame["data"]] {
            if !part["content"].is_null() {
                let content = part["content"].to_string();
                let plain = [&[78], content.as_bytes()].concat();
                self.put_new("irido", shape(&part["content"]), &plain);
            }
        }
        for params in [&frame["ctrl"]["params"]] {
            if params.is_object() {
                self.put_new("notice", shape(params), params.to_string().as_bytes());
            }
        }
    }

    fn cursors(&self) {
        let place = "1799999999000000.5f281d6b-e26b-4e58-82c1-621cacf21f04";
        let seeds = ["0", "9007199254740991", place, "-1.5f281d6b-e26b-4e58-82c1-621cacf21f04"];
        seeds.iter().for_each(|seed| self.put("cursor", seed.as_bytes()));
        for text in [
            "20\n7\n\n\n3\n9",
            "101\n\n1e3\n\n7.0",
            "-1\n\"7\"",
            "5\n\n\n9007199254740992",
            "1.0\n0\n0\n0\n0\n0",
        ] {
            self.put("cursor", text.as_bytes());
        }
    }

    fn configs(&self) {
        self.put("config", example().as_bytes());
        for preset in [Preset::MvChat2, Preset::Mrezhen] {
            self.put("config", Config::of_preset(preset).to_yaml().as_bytes());
        }
        for text in [
            "",
            "server:\n  listen: 0.0.0.0:80\n",
            "server: {listen: '[::1]:0', behind_proxy: yes}",
            "limits.edit_window: 1h30m\nlimits:\n  edit_window: 5\n",
            "database:\n  url: ${SECRET}\nlog: {level: \"${NONE:info}\"}",
            "server:\n  allowed_origins:\n    - https://a.example\n    - http://b.example:80\n  trusted_proxies: [10.0.0.0/8]\n",
            "stroe: sled\n",
            "a: &a [1, *a]\n",
            "limits:\n  rates: none\n  max_message_size: 64KiB\n",
        ] {
            self.put("config", text.as_bytes());
        }
    }

    fn tokens(&self) {
        let header = r#"{"alg":"HS256","typ":"JWT","kid":"k1"}"#;
        let ids = r#""sub":"5f281d6b-e26b-4e58-82c1-621cacf21f04","sid":"00000000-0000-4000-8000-000000000001","jti":"00000000-0000-4000-8000-000000000002""#;
        let good = format!(r#"{{"iss":"mvchat","aud":"chat",{ids},"iat":1799999999,"exp":1800000999}}"#);
        for (header, claims) in [
            (header, good.clone()),
            (header, good.replace("1800000999", "1800000000")),
            (header, good.replace("\"exp\"", "\"nbf\":1800000001,\"exp\"")),
            (header, good.replace("\"chat\"", "[\"chat\"]")),
            (header, good.replace("1799999999", "1799999999.5")),
            (r#"{"alg":"none","typ":"JWT","kid":"k1"}"#, good.clone()),
            (r#"{"alg":"HS256","typ":"JWT","kid":"k1","crit":[]}"#, good.clone()),
            (r#"{"alg":"HS256","typ":"JWT","kid":"k2"}"#, good.clone()),
            (r#"["HS256","JWT","k1"]"#, good),
        ] {
            self.put("token", format!("{header}\n{claims}").as_bytes());
        }
        self.put("token", b"eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
    }

    /// The structured inputs are bytes that the fuzzer learns to steer with; these give it lengths to begin with.
    fn sessions(&self) {
        for seed in 0_u8..12 {
            let bytes: Vec<u8> = (0..48_u32 * (1 + u32::from(seed)))
                .flat_map(|block| Sha256::digest([[seed; 4], block.to_le_bytes()].concat())[..2].to_vec())
                .collect();
            self.put("session", &bytes);
            self.put("sealed", &bytes[..bytes.len() / 4]);
        }
    }
}

/// The keys and the types of a value, without what they hold.
fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) if text.len() < 12 => text.clone(),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) => format!("[{}]", items.first().map(shape).unwrap_or_default()),
        Value::Object(members) => {
            let members = members.iter().filter(|(key, _)| *key != "id");
            members.map(|(key, value)| format!("{key}:{},", shape(value))).collect()
        }
    }
}

/// Puts values for the names of what differs from recording to recording.
fn names(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let Some((name, behind)) =
            after.split_once('>').filter(|(name, _)| name.len() < 24 && !name.contains(' '))
        else {
            out.push('<');
            rest = after;
            continue;
        };
        match name {
            "time" => out.push_str("2027-01-15T08:00:00.000000Z"),
            "token" => out.push_str("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"),
            name => {
                let digest = Sha256::digest(name);
                let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
                out.push_str(&format!("5f281d6b-e26b-4e58-82c1-{hex}"));
            }
        }
        rest = behind;
    }
    out + rest
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

fn lines(file: &PathBuf) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
