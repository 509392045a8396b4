internal import Foundation
public import LibP2P

/// A list of peer addresses in a text file: one multiaddr a line, blank lines and comments after
/// `#` left out.
public enum PeerListFile {
    /// The greatest file that is read.
    public static let byteCountMax = 1 << 20

    /// The greatest number of addresses in a file.
    public static let addressCountMax = 4096

    /// Reads a file; each address once, in the order of its first line.
    ///
    /// - Throws: ``PeerListError`` with the file and, where there is one, the line.
    public static func read(path: String) throws(PeerListError) -> [Multiaddr] {
        let data: Data
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            data = try file.read(upToCount: byteCountMax + 1) ?? Data()
        } catch {
            throw .unreadable(path: path, detail: String(describing: error))
        }
        guard data.count <= byteCountMax else {
            throw .tooLarge(path: path, byteCountMax: byteCountMax)
        }
        return try parse([UInt8](data), path: path)
    }

    /// Reads the bytes of a list.
    ///
    /// - Parameter path: What errors call the file.
    /// - Throws: ``PeerListError``.
    public static func parse(_ bytes: [UInt8], path: String) throws(PeerListError) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        var known: Set<Multiaddr> = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw .notUTF8(path: path, line: index + 1)
            }
            let address = text.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
                .trimmingCharacters(in: .newlines)
            guard !address.isEmpty else { continue }
            let multiaddr: Multiaddr
            do {
                multiaddr = try Multiaddr(address)
            } catch {
                throw .invalidAddress(path: path, line: index + 1, text: address, error)
            }
            guard multiaddr.isDialable else {
                throw .notDialable(path: path, line: index + 1, address: multiaddr)
            }
            guard known.insert(multiaddr).inserted else { continue }
            guard addresses.count < addressCountMax else {
                throw .tooManyAddresses(path: path, line: index + 1, countMax: addressCountMax)
            }
            addresses.append(multiaddr)
        }
        return addresses
    }
}

/// What is wrong with a file of peer addresses.
public enum PeerListError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file could not be read.
    case unreadable(path: String, detail: String)
    /// The file is greater than is read.
    case tooLarge(path: String, byteCountMax: Int)
    /// The line is not UTF-8 text.
    case notUTF8(path: String, line: Int)
    /// The line is not a multiaddr.
    case invalidAddress(path: String, line: Int, text: String, LibP2PError)
    /// The address is not that of a TCP port which can be dialled.
    case notDialable(path: String, line: Int, address: Multiaddr)
    /// The file has more addresses than are kept.
    case tooManyAddresses(path: String, line: Int, countMax: Int)

    /// What is wrong and where, and what to write instead.
    public var description: String {
        switch self {
        case .unreadable(let path, let detail): "\(path) can't be read: \(detail)"
        case .tooLarge(let path, let byteCountMax): "\(path) has more than \(byteCountMax) bytes."
        case .notUTF8(let path, let line): "\(path), line \(line): this is not UTF-8."
        case .invalidAddress(let path, let line, let text, let error):
            "\(path), line \(line): '\(text.prefix(100))' is no multiaddr; write one such as "
                + "/ip4/203.0.113.5/tcp/7411/p2p/12D3… (\(error))"
        case .notDialable(let path, let line, let address):
            "\(path), line \(line): \(address) is not the address of a TCP port to dial; write "
                + "/ip4/…/tcp/…, /ip6/…/tcp/… or /dns/…/tcp/…"
        case .tooManyAddresses(let path, let line, let countMax):
            "\(path), line \(line): the list has more than \(countMax) addresses."
        }
    }
}
