//! What an answer must be: a response to the question that was asked, with the response code expected.

/// Octets of a message's header.
const HEADER: usize = 12;

/// Whether the answer (whose ID led to the query) has QR set, the response code expected and the same question.
pub(crate) fn right(query: &[u8], rcode: u8, answer: &[u8]) -> bool {
    let end = HEADER + question(query);
    answer.len() >= end
        && answer[2] & 0x80 != 0
        && answer[3] & 0x0f == rcode
        && answer[HEADER..end].eq_ignore_ascii_case(&query[HEADER..end])
}

/// Octets of the question: labels, the root, type and class.
fn question(message: &[u8]) -> usize {
    let mut at = HEADER;
    while let Some(&length) = message.get(at).filter(|&&length| length != 0) {
        at += usize::from(length) + 1;
    }
    (at + 5).min(message.len()) - HEADER
}

/// The region of a steered answer: the third octet of the first address, as addresses are 127.1.REGION.N.
pub(crate) fn region(answer: &[u8]) -> Option<u8> {
    let mut at = HEADER + question(answer);
    for _ in 0..u16::from_be_bytes([*answer.get(6)?, *answer.get(7)?]) {
        // an owner name is labels, which may end in a pointer
        while *answer.get(at)? != 0 && answer[at] & 0xc0 == 0 {
            at += usize::from(answer[at]) + 1;
        }
        at += if answer[at] == 0 { 1 } else { 2 };
        let fixed = answer.get(at..at + 10)?;
        let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
        if fixed[..2] == [0, 1] && length == 4 {
            return answer.get(at + 12).copied();
        }
        at += 10 + length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: [u8; 19] = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];

    fn answer(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut octets = QUERY.to_vec();
        octets[2] = 0x84;
        octets[7] = 2;
        octets.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 2, 0xc0, 12]); // a CNAME goes before
        octets.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 1, 7, 2]);
        change(&mut octets);
        octets
    }

    #[test]
    fn only_a_response_to_the_question_is_right() {
        assert!(right(&QUERY, 0, &answer(|_| ())));
        assert!(!right(&QUERY, 3, &answer(|_| ())));
        assert!(!right(&QUERY, 0, &answer(|octets| octets[2] = 0)));
        assert!(!right(&QUERY, 0, &answer(|octets| octets[13] = b'b')));
        assert!(!right(&QUERY, 0, &answer(|octets| octets.truncate(15))));
    }

    #[test]
    fn the_region_is_in_the_first_address() {
        assert_eq!(region(&answer(|_| ())), Some(7));
        assert_eq!(region(&answer(|octets| octets.truncate(40))), None);
        assert_eq!(region(&QUERY), None);
    }
}
