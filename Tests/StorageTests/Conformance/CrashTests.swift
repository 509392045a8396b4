import Testing

/// Ends a process at every point at which it changes the store, and requires that the next one
/// finds a state that was committed, a log that holds, and ends with the same bytes.
@Suite struct CrashTests {
    /// An undisturbed run: the states from the empty store on, and how many points there are.
    struct Reference {
        let states: [String]
        let callCount: Int
        let pageWrites: [Int]
        let stepCount: Int
    }

    static func reference() throws -> Reference {
        let folder = try TemporaryFolder()
        let run = try CrashChild.run(folder.state)
        #expect(run.exitCode == 0)
        let first = try #require(run.found.first?.first)
        return Reference(
            states: [first] + run.states,
            callCount: try #require(run.values("calls").first?.first.flatMap(Int.init)),
            pageWrites: try #require(run.values("pages").first).compactMap(Int.init),
            stepCount: try #require(run.values("steps").first?.first.flatMap(Int.init))
        )
    }

    @Test func `a process killed at any write is followed by one that ends with the same bytes`()
        throws
    {
        let reference = try Self.reference()
        // Without the replaced calls (see Package.swift) there would be next to none.
        try #require(reference.callCount > 30)
        try #require(reference.stepCount > 40)
        try #require(reference.pageWrites.count > 10)
        for number in 1...reference.callCount {
            try checkKill("kill-call", number, reference)
        }
        for number in reference.pageWrites {
            try checkKill("tear-call", number, reference)
        }
        for number in 1...reference.stepCount {
            try checkKill("kill-step", number, reference)
        }
    }

    @Test func `a process whose writes fail reports it and goes on to the same bytes`() throws {
        let reference = try Self.reference()
        var silentCount = 0
        for number in 1...reference.callCount {
            let folder = try TemporaryFolder()
            let run = try CrashChild.run(folder.state, "fail-call", String(number))
            #expect(run.exitCode == 0, "call \(number): \(run.lines)")
            #expect(run.lastDigest == reference.states.last, "call \(number)")
            for found in run.found {
                #expect(found.last != "bad", "call \(number)")
                #expect(reference.states.contains(found[0]), "call \(number)")
            }
            let errors = run.values("error")
            #expect(errors.allSatisfy { $0 == ["freeDiskSpace"] }, "call \(number): \(errors)")
            silentCount += errors.isEmpty ? 1 : 0
        }
        // Only the process ID in the lock file is written without need, by two calls.
        #expect(silentCount <= 2)
    }

    @Test func `a process killed twice ends with the same bytes`() throws {
        let reference = try Self.reference()
        for number in stride(from: 5, to: reference.callCount, by: 7) {
            let folder = try TemporaryFolder()
            _ = try CrashChild.run(folder.state, "kill-call", String(number))
            _ = try CrashChild.run(folder.state, "tear-call", String(number % 11 + 3))
            let resumed = try CrashChild.run(folder.state)
            #expect(resumed.lastDigest == reference.states.last, "call \(number)")
        }
    }

    private func checkKill(_ fault: String, _ number: Int, _ reference: Reference) throws {
        let folder = try TemporaryFolder()
        let killed = try CrashChild.run(folder.state, fault, String(number))
        #expect(killed.signal == 9, "\(fault) \(number) did not end the process")
        let resumed = try CrashChild.run(folder.state)
        let found = try #require(resumed.found.first, "\(fault) \(number): \(resumed.lines)")
        // The commit that was under way is whole or absent.
        let reported = killed.states.count
        let possible = reference.states[reported...].prefix(2)
        #expect(possible.contains(found[0]), "\(fault) \(number): after \(reported) transactions")
        #expect(found.last != "bad", "\(fault) \(number): the log does not hold")
        #expect(resumed.exitCode == 0, "\(fault) \(number)")
        #expect(resumed.lastDigest == reference.states.last, "\(fault) \(number)")
    }
}
