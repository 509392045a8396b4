internal import CLMDB

/// A view of the store as it was when the transaction began.
///
/// What it lends is valid until it ends, which it does with its scope.
public struct ReadTransaction: ~Copyable, StateReading {
    /// What the typed tables read through.
    public let raw: RawTransaction

    init(environment: Environment) throws(StorageError) {
        raw = try environment.begin(forWriting: false)
    }

    deinit {
        unsafe mdb_txn_abort(raw.handle)
        raw.environment.end(raw)
    }
}
