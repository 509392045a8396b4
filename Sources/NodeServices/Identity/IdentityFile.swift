public import Cryptography
public import Foundation
internal import LibP2P

/// The node's key on disk: 68 bytes, libp2p's private-key message, readable by its owner alone.
///
/// The key is the node's identity. Whoever copies the file is the node, so a file that others may
/// read is refused rather than used.
public enum IdentityFile {
    /// Reads the key at a path, or makes one when no file is there.
    ///
    /// - Throws: ``NodeError``: `storage` when the file can't be read or written, `invalidInput`
    ///   when it is no Ed25519 key or others may read it.
    public static func loadOrCreate(at url: URL) throws(NodeError) -> SigningKey {
        if FileManager.default.fileExists(atPath: url.path) {
            return try load(at: url)
        }
        let key = SigningKey.generate()
        do {
            // Created with mode 0600, so that no moment shows it to others.
            if try DurableFile.create(PrivateKeyEncoding.encode(key), at: url) { return key }
        } catch {
            throw NodeError(.storage, "The identity can't be written to \(url.path): \(error).")
        }
        // Another process made one in the meantime.
        return try load(at: url)
    }

    /// Reads the key at a path.
    ///
    /// - Throws: as ``loadOrCreate(at:)``, and `notFound` when no file is there.
    public static func load(at url: URL) throws(NodeError) -> SigningKey {
        let path = url.path
        guard FileManager.default.fileExists(atPath: path) else {
            throw NodeError(
                .notFound,
                "There is no identity at \(path); 'starling init' or 'starling run' makes one."
            )
        }
        let bytes: [UInt8]
        let permissions: Int
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            permissions = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
            let size = (attributes[.size] as? NSNumber)?.intValue ?? 0
            guard size <= 1024 else {
                throw NodeError(.invalidInput, "\(path) has \(size) bytes; a key file has 68.")
            }
            bytes = [UInt8](try Data(contentsOf: url))
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(.storage, "The identity at \(path) can't be read.", cause: error)
        }
        guard permissions & 0o077 == 0 else {
            throw NodeError(
                .invalidInput,
                """
                The identity at \(path) can be read by others \
                (mode \(String(permissions, radix: 8))); run 'chmod 600 \(path)'.
                """
            )
        }
        do {
            return try PrivateKeyEncoding.decode(bytes)
        } catch {
            throw NodeError(
                .invalidInput,
                "\(path) holds no Ed25519 private key; move it away to get a new identity.",
                cause: error
            )
        }
    }
}
