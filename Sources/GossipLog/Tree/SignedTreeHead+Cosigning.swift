/// Tree heads with the signatures of witnesses below the log's own.
extension SignedTreeHead {
    /// The witnesses that cosigned, of those whose keys are known.
    ///
    /// - Throws: `.invalidSignature` where one of them is wrong.
    public func cosigners(among keys: [NoteKey]) throws(NoteError) -> [VerifiedSignature] {
        do {
            return try note.verified(by: keys.filter { $0.algorithm == .cosignature })
        } catch {
            if case .noKnownSignature = error { return [] }
            throw error
        }
    }

    /// The head with one more cosignature, from the line of a witness's answer.
    ///
    /// - Throws: where it is no line, or not that witness's signature over this head.
    public func cosigned(
        line: [UInt8], by witness: NoteKey
    ) throws(NoteError) -> SignedTreeHead {
        let single = try SignedNote(bytes: head.text + [0x0A] + line)
        guard single.signatures.count == 1, let signature = single.signatures.first else {
            throw .malformedSignatureLine(index: 0)
        }
        _ = try single.verified(by: [witness])
        var note = note
        guard note.signatures.count < SignedNote.signatureCountMax else {
            throw .tooManySignatures(
                count: note.signatures.count + 1, limit: SignedNote.signatureCountMax)
        }
        if !note.signatures.contains(where: witness.matches) { note.append(signature) }
        return SignedTreeHead(head: head, note: note)
    }
}

extension NoteSigner {
    /// The cosignature line over a head, at a time in seconds since 1970.
    public func cosignatureLine(over head: TreeHead, timeSeconds: UInt64) -> [UInt8] {
        let note = SignedNote(
            text: head.text,
            signatures: [signature(over: head.text, timeSeconds: timeSeconds)])
        return Array(note.bytes.dropFirst(head.text.count + 1))
    }
}
