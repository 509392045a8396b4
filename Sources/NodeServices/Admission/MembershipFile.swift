internal import Cryptography
public import Federation
public import Foundation

/// Certificates and revocations on disk: their canonical bytes.
public enum MembershipFile {
    /// Reads a certificate; nil where there is no file.
    ///
    /// - Throws: ``NodeError``: `storage` when it can't be read, `invalidInput` when it holds none.
    public static func certificate(at file: URL) throws(NodeError) -> MembershipChain? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            return try MembershipChain(bytes: try bytes(of: file))
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(
                .invalidInput, "\(file.path) holds no membership certificate.", cause: error)
        }
    }

    /// Writes a certificate.
    ///
    /// - Throws: ``NodeError`` with code `storage`.
    static func write(_ bytes: [UInt8], to file: URL) throws(NodeError) {
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try DurableFile.write(bytes, to: file)
        } catch {
            throw NodeError(.storage, "\(file.path) can't be written.", cause: error)
        }
    }

    private static func bytes(of file: URL) throws(NodeError) -> [UInt8] {
        do {
            let handle = try FileHandle(forReadingFrom: file)
            defer { try? handle.close() }
            return [UInt8](
                try handle.read(upToCount: SignedRevocation.byteCountMax + 1) ?? Data())
        } catch {
            throw NodeError(.storage, "\(file.path) can't be read.", cause: error)
        }
    }

    // MARK: The folder of a home

    /// The files of the folder that are read at most.
    private static let countMax = 4096
    private static let certificateEnding = "certificate"
    private static let revocationEnding = "revocation"

    /// Leaves what a command issued for the running node, or the next run.
    static func leave(_ share: MembershipShare, in folder: URL) throws(NodeError) {
        for chain in share.certificates {
            try write(
                chain.bytes,
                to: folder.appendingPathComponent(
                    "\(chain.leaf.id.hexadecimal).\(certificateEnding)"))
        }
        for revocation in share.revocations {
            try write(
                revocation.bytes,
                to: folder.appendingPathComponent(
                    "\(revocation.certificateID.hexadecimal).\(revocationEnding)"))
        }
    }

    /// What the folder holds; files that can't be read are named.
    static func read(folder: URL) -> (share: MembershipShare, unread: [String]) {
        var share = MembershipShare()
        var unread: [String] = []
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names.sorted().prefix(countMax) {
            let file = folder.appendingPathComponent(name)
            do {
                switch file.pathExtension {
                case certificateEnding:
                    share.certificates.append(try MembershipChain(bytes: bytes(of: file)))
                case revocationEnding:
                    share.revocations.append(try SignedRevocation(bytes: bytes(of: file)))
                // A file that is being written.
                default: continue
                }
            } catch {
                unread.append(name)
            }
        }
        return (share, unread)
    }
}
