//! Functions on texts, with types of their own: an interface in WIT, and nothing that knows of wippy.

use std::collections::BTreeMap;

wit_bindgen::generate!({
    inline: r#"
        package app:text;

        world text {
            record word { text: string, count: u32 }

            /// A name for addresses: `Hello, World!` becomes `hello-world`.
            export slug: func(text: string) -> string;

            /// The words that occur at least so often, by the alphabet.
            export words: func(text: string, at-least: u32) -> result<list<word>, string>;
        }
    "#
});

struct Text;
export!(Text);

impl Guest for Text {
    fn slug(text: String) -> String {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.map(str::to_lowercase).collect::<Vec<_>>().join("-")
    }

    fn words(text: String, at_least: u32) -> Result<Vec<Word>, String> {
        if at_least == 0 {
            return Err("every word occurs at least once".into());
        }
        let mut counts = BTreeMap::<String, u32>::new();
        for word in text.split_whitespace() {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
        let often = counts.into_iter().filter(|&(_, count)| count >= at_least);
        Ok(often.map(|(text, count)| Word { text, count }).collect())
    }
}
