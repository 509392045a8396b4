internal import Cryptography

extension Multiaddr {
    /// The text form.
    ///
    /// A part with an unknown code is printed as `/?code/hexadecimal`, which is for people and
    /// cannot be read back.
    public var description: String {
        components.map { component in
            guard let name = component.name else {
                return "/?\(component.code)/\(Hexadecimal.encode(component.value))"
            }
            guard let text = component.text else { return "/\(name)" }
            return text.hasPrefix("/") ? "/\(name)\(text)" : "/\(name)/\(text)"
        }.joined()
    }

    static func parse(_ text: String) throws(LibP2PError) -> [Component] {
        // The text of an address is at most about twice as long as its bytes.
        guard text.utf8.count <= 4 * byteCountMax else {
            throw .tooLarge(
                .multiaddr, byteCount: text.utf8.count, byteCountMax: 4 * byteCountMax
            )
        }
        guard text.hasPrefix("/") else { throw .malformed(.multiaddr) }
        var words = text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        var components: [Component] = []
        while let word = words.popFirst() {
            // A slash may end an address; inside it, and alone, it names nothing.
            if word.isEmpty, words.isEmpty, !components.isEmpty { break }
            let name = String(word)
            guard let known = AddressProtocol.find(name: name) else {
                throw .unknownAddressProtocol(name)
            }
            if known.content == .none {
                components.append(Component(known, value: []))
                continue
            }
            let valueText: String
            if known.content == .path {
                // A path takes all that is left, as it stands.
                valueText = "/" + words.joined(separator: "/")
                words = []
            } else {
                guard let next = words.popFirst() else { throw .truncated(.multiaddr) }
                valueText = String(next)
            }
            let value = try AddressValue.parse(valueText, as: known)
            components.append(Component(known, value: value))
        }
        return components
    }
}
