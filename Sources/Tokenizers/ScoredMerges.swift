/// The merges of a SentencePiece vocabulary, which holds a score for each token and no merges.
///
/// SentencePiece merges the two neighbours whose join has the best score. A table of merges does
/// the same: each way to cut a token into two tokens is a merge, those of the best token first.
///
/// ### Deviations
/// SentencePiece takes the leftmost of several ways to make one token out of overlapping
/// neighbours. Here the one whose left token is longest counts, as in the files that `transformers`
/// makes.
enum ScoredMerges {
    private struct Candidate {
        let score: Float
        let leftCount: Int
        let rightCount: Int
        let id: Int
        let leftID: Int32
        let rightID: Int32

        /// Earlier merges first; equal ones in the order of their tokens.
        static func < (one: Candidate, other: Candidate) -> Bool {
            if one.score != other.score { return one.score > other.score }
            if one.leftCount != other.leftCount { return one.leftCount > other.leftCount }
            if one.rightCount != other.rightCount { return one.rightCount > other.rightCount }
            if one.id != other.id { return one.id < other.id }
            return (one.leftID, one.rightID) < (other.leftID, other.rightID)
        }
    }

    /// The greatest length of a token that is looked through for cuts.
    static let tokenByteCountMax = 1 << 10

    /// The merges as a definition holds them.
    ///
    /// - Parameter isMerged: whether an ID's token is part of merges.
    static func merges(
        tokens: [String],
        scores: [Float],
        isMerged: (Int) -> Bool
    ) throws(TokenizerError) -> [String] {
        var texts = TokenTexts(reservingCount: tokens.count)
        for token in tokens {
            guard token.utf8.count <= tokenByteCountMax else {
                throw .limitExceeded(
                    item: "the length of a token",
                    actual: token.utf8.count,
                    limit: tokenByteCountMax
                )
            }
            texts.append(token.utf8)
        }
        var duplicate: Int?
        let index = TokenIndex(texts, duplicate: &duplicate, where: isMerged)
        if let duplicate { throw .duplicateToken(tokens[duplicate]) }
        var candidates: [Candidate] = []
        for id in tokens.indices where isMerged(id) {
            try appendCuts(of: id, texts, index, scores[id], to: &candidates)
        }
        candidates.sort { $0 < $1 }
        return candidates.map { "\(tokens[Int($0.leftID)]) \(tokens[Int($0.rightID)])" }
    }

    private static func appendCuts(
        of id: Int,
        _ texts: TokenTexts,
        _ index: TokenIndex,
        _ score: Float,
        to candidates: inout [Candidate]
    ) throws(TokenizerError) {
        let range = texts[id]
        var leftCount = 0
        var cut = range.lowerBound
        while cut < range.upperBound {
            cut += ScalarClass.length(from: texts.bytes[cut])
            leftCount += 1
            guard cut < range.upperBound else { return }
            let left = index.id(of: texts.bytes[range.lowerBound..<cut])
            guard left >= 0 else { continue }
            let right = texts.bytes[cut..<range.upperBound]
            let rightID = index.id(of: right)
            guard rightID >= 0 else { continue }
            guard candidates.count < TokenizerDefinition.mergeCountMax else {
                throw .limitExceeded(
                    item: "the number of merges",
                    actual: candidates.count + 1,
                    limit: TokenizerDefinition.mergeCountMax
                )
            }
            candidates.append(
                Candidate(
                    score: score,
                    leftCount: leftCount,
                    rightCount: right.count { $0 & 0xC0 != 0x80 },
                    id: id,
                    leftID: left,
                    rightID: rightID
                )
            )
        }
    }
}
