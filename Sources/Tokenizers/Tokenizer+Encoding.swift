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
        let bytes = Array(text.utf8)
        var run = Run(output: [], workspace: .init())
        run.output.reserveCapacity(bytes.count / 3)
        if addsSpecialTokens, definition.addsBOS, let bosID { run.output.append(bosID) }
        forEachSection(of: bytes, 0..<bytes.count, addedTokens, parsesSpecialTokens) { section in
            switch section {
            case .token(let id): run.output.append(id)
            case .text(let range): encode(bytes, range, parsesSpecialTokens, &run)
            }
        }
        if addsSpecialTokens, definition.addsEOS, let eosID { run.output.append(eosID) }
        return run.output
    }

    /// What an encoding has come to, and room that its parts share.
    private struct Run {
        var output: [Int]
        var workspace: BytePairEncoding.Workspace
    }

    private enum Section {
        case token(Int)
        case text(Range<Int>)
    }

    private func forEachSection(
        of bytes: [UInt8],
        _ range: Range<Int>,
        _ matcher: AddedTokenMatcher,
        _ includesSpecial: Bool,
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
    private func encode(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ parsesSpecialTokens: Bool,
        _ run: inout Run
    ) {
        let isChanged = !normalization.isEmpty
        let text = isChanged ? normalization.apply(to: bytes[range]) : bytes
        let whole = isChanged ? 0..<text.count : range
        forEachSection(of: text, whole, normalizedAddedTokens, parsesSpecialTokens) { section in
            switch section {
            case .token(let id): run.output.append(id)
            case .text(let part):
                let beginsText = range.lowerBound == 0 && part.lowerBound == whole.lowerBound
                if let spaces {
                    let marked = spaces.mark(text, part, beginsText: beginsText)
                    encodeCharacters(marked, spaces, &run)
                } else {
                    encodeBytes(text, part, &run)
                }
            }
        }
    }

    private func encodeBytes(_ text: [UInt8], _ range: Range<Int>, _ run: inout Run) {
        PreTokenization(text, kind: definition.preTokenizer).forEachPart(in: range) { part in
            if appendWhole(text, part, &run) { return }
            encoding.encode(text, in: part, &run.workspace, into: &run.output)
        }
    }

    private func encodeCharacters(_ marked: [UInt8], _ spaces: SpaceMarking, _ run: inout Run) {
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
