internal import ArgumentParser
internal import Federation

/// Whether the members of a federation see each other's updates.
struct SecureOptions: ParsableArguments {
    @Flag(
        help: """
            Hide updates: members learn the sum of each round and nobody's update. Goes with the \
            aggregations factor-mean, ffa, rolora and spectral, and needs at least 5 members in every sum.
            """)
    var secure = false

    @Flag(
        help: """
            With --secure: allow sums of 3 members. In one of three, two members together know the \
            third one's update, and nobody may fail.
            """)
    var smallGroup = false

    /// The updates in a sum at least with --small-group.
    static let smallGroupMinimum = 3

    func validate() throws {
        guard secure || !smallGroup else {
            throw ValidationError("--small-group goes with --secure.")
        }
    }

    /// The manifest's settings for so many first members.
    func settings(memberCount: Int) throws -> Manifest.SecureSettings? {
        guard secure else { return nil }
        let settings = Manifest.SecureSettings(
            memberMinimum: smallGroup
                ? Self.smallGroupMinimum : SecureThresholds.memberMinimumDefault)
        guard memberCount >= settings.memberMinimum else {
            throw ValidationError(
                smallGroup
                    ? "--secure needs at least \(settings.memberMinimum) --members."
                    : "--secure needs at least \(settings.memberMinimum) --members; with "
                        + "--small-group \(Self.smallGroupMinimum) are enough, and less hides "
                        + "each of them.")
        }
        return settings
    }
}
