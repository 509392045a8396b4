internal import Cryptography

extension PeerInstance {
    /// The chain that the stored entries come to; every rule and signature is checked again.
    static func replay(_ restored: RestoredState) throws(RestoreError) -> ChainState {
        var chain = ChainState(genesis: restored.manifest)
        for bytes in restored.entries {
            let height = chain.height + 1
            do throws(RejectReason) {
                try chain.append(entryBytes: bytes)
            } catch {
                throw .entryInvalid(height: height, reason: error)
            }
        }
        return chain
    }

    /// Takes over the records that belong to the height that is being decided.
    ///
    /// Those of an earlier height are left from a crash between storing an entry and forgetting
    /// them.
    mutating func restoreRecords(_ records: [String: [UInt8]]) throws(RestoreError) {
        for (key, value) in records.sorted(by: { $0.key < $1.key }) {
            do {
                try restore(key: key, value: value)
            } catch {
                throw .recordInvalid(key: key)
            }
        }
        restoreOwnStatements()
    }

    private mutating func restore(key: String, value: [UInt8]) throws {
        switch key {
        case DurableRecord.agreement:
            let record = try DurableRecord.Agreement(bytes: value)
            guard record.height == current.height else { return }
            current.view = record.promisedView
            if let committed = record.committed {
                let digest = committed.proposal.digest
                current.committed = HeightState.Committed(
                    view: committed.view, proposal: committed.proposal, digest: digest)
                current.committedAt = now
                current.remember(committed.proposal, digest: digest)
            }
        case DurableRecord.result:
            let result = try ResultStatement(bytes: value)
            if result.height == current.height { current.ownResult = result }
        case DurableRecord.secureSum:
            guard let held = try SecureHeight.Held(bytes: value, round: current.round) else {
                return
            }
            current.secure.held = held
            current.secure.heldAt = now
        case _ where key.hasPrefix(SecureRecords.prefix):
            secureRecords[key] = value
        case DurableRecord.adapter:
            holdsAdapter = value == chain.adapterDigest.bytes
        case _ where key.hasPrefix(DurableRecord.announcementPrefix):
            guard case .announcement(let announcement) = try MessageCodec.decode(value) else {
                throw RejectReason.malformed
            }
            guard announcement.summary.round == current.round else { return }
            current.announcements[announcement.summary.member] = announcement
        case _ where key.hasPrefix(DurableRecord.updatePrefix):
            let summary = try DurableRecord.summary(bytes: value)
            guard summary.round == current.round else { return }
            current.held[summary.objectID] = summary
        default:
            break
        }
    }

    /// Signs again what the records say was signed: the same bytes, for signatures are
    /// deterministic, and so no second statement.
    private mutating func restoreOwnStatements() {
        if let committed = current.committed {
            let ballot = Ballot(
                height: current.height, view: committed.view, proposalDigest: committed.digest)
            current.commits[own] = [signedCommit(ballot)]
        }
        if current.view > 0, current.committed?.view != current.view {
            current.viewChanges[own] = signedViewChange()
        }
        if let result = current.ownResult {
            current.results[own] = signed(result)
        }
    }
}

extension ChainState {
    /// Reads, verifies and applies the entry of the next height.
    ///
    /// - Throws: why it is no such entry; the state is then as before.
    @discardableResult
    mutating func append(entryBytes: [UInt8]) throws(RejectReason) -> CertifiedEntry {
        let entry: CertifiedEntry
        do {
            entry = try CertifiedEntry(bytes: entryBytes)
        } catch {
            throw .malformed
        }
        try verify(entry)
        apply(entry)
        return entry
    }
}
