public import Cryptography

extension Manifest {
    /// Who may take part.
    public struct AdmissionSettings: Hashable, Sendable {
        /// The keys whose certificates make members, 1...8, unique, in ascending order.
        ///
        /// Their own nodes need no certificate.
        public let issuers: [PublicKey]

        /// The most issuers of a manifest; others are delegates of these.
        public static let issuerCountMax = 8

        /// Takes the issuers in any order.
        public init(issuers: some Sequence<PublicKey>) {
            self.issuers = Set(issuers).sorted()
        }
    }

    func checkAdmission() throws(ManifestError) {
        guard let admission else { return }
        try check(
            admission.issuers.count, in: 1...AdmissionSettings.issuerCountMax, .issuers)
    }
}

extension Manifest.AdmissionSettings {
    func write(to writer: inout CanonicalWriter) {
        writer.write(count: issuers.count)
        for issuer in issuers { writer.write(raw: issuer.bytes) }
    }

    init(reading reader: inout CanonicalReader) throws(CanonicalError) {
        let start = reader.offset
        let count = try reader.readCount(max: Self.issuerCountMax, itemByteCount: 32)
        var issuers: [PublicKey] = []
        for _ in 0..<count { issuers.append(try reader.readKey()) }
        guard count > 0, ChainState.isAscending(issuers) else { throw .malformed(offset: start) }
        self.init(issuers: issuers)
    }
}
