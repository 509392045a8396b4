internal import Cryptography
internal import FoundationEssentials
internal import SwiftProtobuf

/// Messages to frame bytes and back.
///
/// Reading never traps and bounds every field.
enum MessageCodec {
    /// Views are counted up one by one; a number beyond this is no view that ever was.
    static let viewMax: UInt64 = 1 << 40

    static func encode(_ message: Message) -> [UInt8] {
        var frame = WireFrame()
        frame.body = body(of: message)
        do {
            let bytes: [UInt8] = try frame.serializedBytes()
            precondition(
                bytes.count <= FederationProtocol.messageByteCountMax,
                "a message of \(bytes.count) bytes")
            return bytes
        } catch {
            preconditionFailure("a proto3 message without required fields failed: \(error)")
        }
    }

    static func decode(_ bytes: [UInt8]) throws(RejectReason) -> Message {
        guard bytes.count <= FederationProtocol.messageByteCountMax else { throw .frameTooLarge }
        let body: WireFrame.OneOf_Body?
        do {
            body = try WireFrame(serializedBytes: bytes).body
        } catch {
            throw .malformed
        }
        guard let body else { throw .malformed }
        return try message(of: body)
    }

    private static func body(of message: Message) -> WireFrame.OneOf_Body {
        switch message {
        case .hello(let hello): .hello(wire(hello))
        case .refuse(let reason):
            .refuse(.with { $0.reason = UInt32(reason.rawValue) })
        case .status(let status): .status(wire(status))
        case .join(let join): .join(wire(join))
        case .leave(let leave): .leave(wire(leave))
        case .announcement(let announcement): .announcement(wire(announcement))
        case .propose(let propose): .propose(wire(propose))
        case .commit(let commit): .commit(wire(commit))
        case .viewChange(let change, let proposal):
            .viewChange(wire(change, proposal: proposal))
        case .decision(let decision): .decision(wire(decision))
        case .result(let result): .result(wire(result))
        case .chainRequest(let height): .chainRequest(.with { $0.fromHeight = height })
        case .chain(let entries): .chain(.with { $0.entries = entries.map { .init($0) } })
        case .manifestRequest: .manifestRequest(.init())
        case .manifestReply(let bytes): .manifestReply(.with { $0.manifest = .init(bytes) })
        case .stateRequest: .stateRequest(.init())
        case .stateReply(let reply): .stateReply(wire(reply))
        case .roster(let share): .roster(wire(share))
        case .membership(let share, let digest): .membership(wire(share, digest: digest))
        }
    }

    private static func message(
        of body: WireFrame.OneOf_Body
    ) throws(RejectReason) -> Message {
        switch body {
        case .hello(let wire): return .hello(try hello(wire))
        case .refuse(let wire):
            guard let code = UInt16(exactly: wire.reason),
                let reason = RejectReason(rawValue: code)
            else { throw .malformed }
            return .refuse(reason)
        case .status(let wire): return .status(try status(wire))
        case .join(let wire): return .join(try join(wire))
        case .leave(let wire): return .leave(try leave(wire))
        case .announcement(let wire): return .announcement(try announcement(wire))
        case .propose(let wire): return .propose(try propose(wire))
        case .commit(let wire): return .commit(try commit(wire))
        case .viewChange(let wire): return try viewChangeMessage(wire)
        case .decision(let wire): return .decision(try decision(wire))
        case .result(let wire): return .result(try result(wire))
        case .chainRequest(let wire): return .chainRequest(fromHeight: wire.fromHeight)
        case .chain(let wire): return .chain(wire.entries.map { Array($0) })
        case .manifestRequest: return .manifestRequest
        case .manifestReply(let wire): return .manifestReply(Array(wire.manifest))
        case .stateRequest: return .stateRequest
        case .stateReply(let wire): return .stateReply(try stateReply(wire))
        case .roster(let wire): return .roster(try roster(wire))
        case .membership(let wire): return try membership(wire)
        }
    }
}
