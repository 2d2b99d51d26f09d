//! A small image.

/// A PNG of one red pixel.
pub(crate) fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    // The header, the pixel as zlib stores it, and the end; each with its checksum.
    bytes.extend(b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde");
    bytes.extend(b"\0\0\0\x0cIDATx\xdac\xf8\xcf\xc0\0\0\x03\x01\x01\0\xf7\x03AC");
    bytes.extend(b"\0\0\0\0IEND\xaeB`\x82");
    bytes
}
