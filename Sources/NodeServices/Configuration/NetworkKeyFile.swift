internal import Cryptography
internal import Foundation
public import Transports

/// The key of a private network on disk, in the form that other libp2p programs read.
public enum NetworkKeyFile {
    /// Reads a key.
    ///
    /// - Throws: ``NodeError``: `notFound` when there is no file, `invalidInput` when it holds no key
    ///   or others may read it, `storage` when it can't be read.
    public static func read(path: String) throws(NodeError) -> NetworkKey {
        guard FileManager.default.fileExists(atPath: path) else {
            throw NodeError(
                .notFound,
                "There is no network key at \(path); 'starling peers new-key \(path)' makes one, "
                    + "which every member then needs.")
        }
        let bytes: [UInt8]
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            let permissions = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0o777
            guard permissions & 0o077 == 0 else {
                throw NodeError(
                    .invalidInput,
                    "The network key at \(path) can be read by others "
                        + "(mode \(String(permissions, radix: 8))); run 'chmod 600 \(path)'.")
            }
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            bytes = [UInt8](try file.read(upToCount: NetworkKey.fileByteCountMax + 1) ?? Data())
        } catch let error as NodeError {
            throw error
        } catch {
            throw NodeError(.storage, "The network key at \(path) can't be read.", cause: error)
        }
        do throws(NetworkKeyError) {
            return try NetworkKey(file: bytes)
        } catch {
            throw NodeError(.invalidInput, "\(path) holds no network key: \(sentence(of: error))")
        }
    }

    /// Writes a fresh key, readable by its owner alone.
    ///
    /// - Returns: the key's fingerprint.
    /// - Throws: ``NodeError``: `invalidInput` when something is there already, `storage` when it
    ///   can't be written.
    public static func create(path: String) throws(NodeError) -> String {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw NodeError(.invalidInput, "\(path) is there already; it is not overwritten.")
        }
        let key = NetworkKey.generate()
        do {
            try DurableFile.write(key.file, to: URL(fileURLWithPath: path))
        } catch {
            throw NodeError(.storage, "\(path) can't be written.", cause: error)
        }
        return key.fingerprint
    }

    private static func sentence(of error: NetworkKeyError) -> String {
        switch error {
        case .tooLong(let byteCount): "it has more than \(byteCount - 1) bytes."
        case .noHeader: "its first line is not \(NetworkKey.fileHeader)."
        case .unknownEncoding(let name):
            "its second line is '\(name.prefix(40))', not /base16/, /base64/ or /bin/."
        case .malformed: "what follows the second line is not in the encoding that it names."
        case .keyByteCount(let count): "the key has \(count) bytes, not 32."
        }
    }
}
