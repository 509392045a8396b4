/// What can be read in both kinds of transaction.
public protocol StateReading: ~Copyable {
    /// What the typed tables read through.
    var raw: RawTransaction { get }
}
