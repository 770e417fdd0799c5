//! What came from the wire, or from anywhere, made harmless for HTML and SVG.

use std::fmt::{self, Display, Write as _};

/// Shows text as text in HTML and SVG, in elements and in quoted attributes.
///
/// Besides HTML's own characters it takes away what could make the page say something else than its bytes: control
/// characters, and marks that turn the direction of text around or show nothing (UTR #36, "Trojan Source").
pub struct Safe<T>(pub T);

impl<T: Display> Display for Safe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut filter = Filter(f);
        write!(filter, "{}", self.0)
    }
}

struct Filter<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Filter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.write_str("&amp;")?,
                '<' => self.0.write_str("&lt;")?,
                '>' => self.0.write_str("&gt;")?,
                '"' => self.0.write_str("&quot;")?,
                '\'' => self.0.write_str("&#39;")?,
                '\n' | '\t' => self.0.write_char(' ')?,
                c if c.is_control() || deceives(c) => self.0.write_char('\u{fffd}')?,
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

const fn deceives(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}'
            | '\u{061c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        let shown = Safe("<script>alert('x')</script> & \"y\"").to_string();
        assert_eq!(shown, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;");
    }

    #[test]
    fn what_turns_text_around_or_hides_is_shown_as_what_it_is() {
        assert_eq!(
            Safe("plc\u{202e}cod.exe\u{0}\u{1b}[31m\u{200b}").to_string(),
            "plc\u{fffd}cod.exe\u{fffd}\u{fffd}[31m\u{fffd}"
        );
    }

    proptest! {
        #[test]
        fn nothing_leaves_an_element_or_an_attribute(text in any::<String>()) {
            let shown = Safe(&text).to_string();
            prop_assert!(!shown.contains(['<', '>', '"', '\'']));
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
