//! Text that CloudFormation can show, measured in the bytes that it takes in JSON.

/// Stands where text was cut off.
pub(crate) const CUT: &str = "…[cut: 4096-byte limit]";

/// Removes terminal colours and control characters; tabs become spaces. Lines stay.
///
/// One escape character in a reason has made whole stacks unreadable for consoles and tools.
pub(crate) fn plain(text: &str) -> String {
    let text = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\t', "    ");
    // Line by line, so that an escape sequence which never ends takes no more than the rest of its line.
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| printable(&strip_ansi_escapes::strip_str(line)))
        .collect();
    lines.join("\n")
}

/// Removes the characters that XML 1.0, the form of CloudFormation's own interface, cannot carry or
/// discourages.
pub(crate) fn printable(text: &str) -> String {
    let keeps = |c: &char| match c {
        '\n' | '\t' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    text.chars().filter(keeps).collect()
}

/// How many bytes the text takes within a JSON string.
pub(crate) fn json_len(text: &str) -> usize {
    text.chars().map(json_len_of).sum()
}

/// The text itself if it fits `room` bytes of JSON, else its beginning with a mark of the cut.
pub(crate) fn shortened(text: &str, room: usize) -> String {
    if json_len(text) <= room {
        return text.to_owned();
    }
    match room.checked_sub(json_len(CUT)) {
        Some(room) => format!("{}{CUT}", beginning(text, room)),
        None => beginning(text, room).to_owned(),
    }
}

/// The longest beginning of the text that fits `room` bytes of JSON.
pub(crate) fn beginning(text: &str, room: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += json_len_of(*c);
        used > room
    });
    end.map_or(text, |(index, _)| &text[..index])
}

fn json_len_of(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn colours_and_control_characters_go_and_words_stay() {
        check(
            "\u{1b}[31;1mERROR\u{1b}[0m \u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{7} done",
            "ERROR link done",
        );
        check(
            "Traceback:\r\n\tat line 1\rnext\u{0}\u{9b}\u{7f}",
            "Traceback:\n    at line 1\nnext",
        );
        check("żółw 東京 🦀", "żółw 東京 🦀");
        check("\u{1b}é[1mé", "é");
        check("a\u{fffe}b", "ab");
    }

    #[test]
    fn an_escape_sequence_without_an_end_takes_only_its_line() {
        check("before \u{1b}]title\nafter", "before \nafter");
        check("before \u{1b}Pdevice\nafter", "before \nafter");
    }

    #[test]
    fn a_cut_falls_between_characters_and_is_marked() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened(&"é".repeat(40), 30), format!("éé{CUT}"));
        assert_eq!(shortened("quotes", 3), "quo");
        assert_eq!(beginning("a\"b", 2), "a");
    }

    proptest! {
        #[test]
        fn json_is_measured_exactly(text in any::<String>()) {
            prop_assert_eq!(json_len(&text), serde_json::to_string(&text).unwrap().len() - 2);
        }

        #[test]
        fn plain_text_has_no_control_characters(text in "([ -~]|\u{1b}|\\PC|[\u{80}-\u{9f}]|\\[|\\]|\n|\r|\t)*") {
            prop_assert!(!plain(&text).chars().any(|c| c.is_control() && c != '\n'));
        }

        #[test]
        fn shortened_text_fits(text in any::<String>(), room in 0_usize..80) {
            prop_assert!(json_len(&shortened(&text, room)) <= room);
        }
    }
}
