extension Tokenizer {
    /// Text to IDs.
    ///
    /// - Parameters:
    ///   - parsesSpecialTokens: whether `<|im_end|>` in the text is that token. Pass false for text
    ///     from people, who would otherwise steer the model.
    ///   - addsSpecialTokens: whether the tokens that begin and end a text are put around it, where
    ///     ``TokenizerDefinition/addsBOS`` and ``TokenizerDefinition/addsEOS`` say that the model
    ///     expects them.
    /// - Complexity: O(n log n) in the length of the longest part that is merged.
    public func encode(
        _ text: String,
        parsesSpecialTokens: Bool = true,
        addsSpecialTokens: Bool = false
    ) -> [Int] {
        var run = Run()
        run.parsesSpecialTokens = parsesSpecialTokens
        if addsSpecialTokens, definition.addsBOS, let bosID { run.output.append(bosID) }
        encode(text, &run)
        if addsSpecialTokens, definition.addsEOS, let eosID { run.output.append(eosID) }
        return run.output
    }

    /// The IDs of texts that follow one another, where each begins at a token's boundary.
    ///
    /// Special tokens are parsed. Vocabularies that put a space before a text put it before the
    /// first one, and before others only where an added token ends the one before.
    public func encode(segments: [String]) -> [[Int]] {
        var run = Run()
        return segments.map { text in
            run.output.removeAll(keepingCapacity: true)
            encode(text, &run)
            return run.output
        }
    }

    /// Where a text begins within a longer one.
    private enum Beginning {
        /// At the beginning of all.
        case ofText
        /// Behind an added token.
        case ofSection
        /// In the middle of words.
        case none
    }

    /// What an encoding has come to, and room that its parts share.
    private struct Run {
        var output: [Int] = []
        var workspace = BytePairEncoding.Workspace()
        var parsesSpecialTokens = true
        var beginning = Beginning.ofText
    }

    private func encode(_ text: String, _ run: inout Run) {
        let bytes = Array(text.utf8)
        run.output.reserveCapacity(bytes.count / 3)
        forEachSection(
            of: bytes, 0..<bytes.count, addedTokens, includesSpecial: run.parsesSpecialTokens
        ) { section in
            switch section {
            case .token(let id): appendAdded(id, &run)
            case .text(let range): encode(bytes, range, &run)
            }
        }
    }

    private func appendAdded(_ id: Int, _ run: inout Run) {
        run.output.append(id)
        run.beginning = .ofSection
    }

    private enum Section {
        case token(Int)
        case text(Range<Int>)
    }

    private func forEachSection(
        of bytes: [UInt8],
        _ range: Range<Int>,
        _ matcher: AddedTokenMatcher,
        includesSpecial: Bool,
        _ body: (Section) -> Void
    ) {
        var start = range.lowerBound
        if !matcher.isEmpty {
            matcher.forEachMatch(in: bytes, range, includesSpecial: includesSpecial) { match in
                if start < match.range.lowerBound { body(.text(start..<match.range.lowerBound)) }
                body(.token(match.id))
                start = match.range.upperBound
            }
        }
        if start < range.upperBound { body(.text(start..<range.upperBound)) }
    }

    /// Encodes what lies between the tokens that are found in text as it is.
    private func encode(_ bytes: [UInt8], _ range: Range<Int>, _ run: inout Run) {
        let isChanged = !normalization.isEmpty
        let text =
            isChanged
            ? normalization.apply(to: bytes[range], isContinued: run.beginning == .none) : bytes
        let whole = isChanged ? 0..<text.count : range
        forEachSection(
            of: text, whole, normalizedAddedTokens, includesSpecial: run.parsesSpecialTokens
        ) { section in
            switch section {
            case .token(let id): appendAdded(id, &run)
            case .text(let part):
                if let spaces {
                    encodeCharacters(text, part, spaces, &run)
                } else {
                    encodeBytes(text, part, &run)
                }
                run.beginning = .none
            }
        }
    }

    private func encodeBytes(_ text: [UInt8], _ range: Range<Int>, _ run: inout Run) {
        PreTokenization(text, kind: definition.preTokenizer).forEachPart(in: range) { part in
            if appendWhole(text, part, &run) { return }
            encoding.encode(text, in: part, &run.workspace, into: &run.output)
        }
    }

    private func encodeCharacters(
        _ text: [UInt8],
        _ range: Range<Int>,
        _ spaces: SpaceMarking,
        _ run: inout Run
    ) {
        let marked = spaces.mark(
            text, range, beginsText: run.beginning == .ofText, isContinued: run.beginning == .none
        )
        spaces.forEachPart(of: marked) { part in
            if appendWhole(marked, part, &run) { return }
            spaces.forEachWord(of: marked, in: part) { word in
                encoding.encode(marked, in: word, &run.workspace, into: &run.output)
            }
        }
    }

    /// Appends a part's token if it is one as a whole, and if such parts are not merged.
    private func appendWhole(_ text: [UInt8], _ part: Range<Int>, _ run: inout Run) -> Bool {
        guard let wholeParts else { return false }
        let id = wholeParts.id(of: text[part])
        if id >= 0 { run.output.append(Int(id)) }
        return id >= 0
    }
}
