extension RunCheckpointError: CustomStringConvertible {
    /// What is wrong and how to mend it.
    public var description: String {
        switch self {
        case .file(let error):
            "\(error)"
        case .notAFolder(let path):
            "\(path): is not a folder; name one for the checkpoints"
        case .folderMissing(let path):
            "\(path): there is no such folder; name the one that the run wrote checkpoints to"
        case .folderInUse(let path):
            "\(path): another process writes checkpoints there; wait for its end, or choose another "
                + "folder"
        case .folderTaken(let path, let step):
            "\(path): holds a checkpoint of step \(step); go on with it by --resume, or choose an "
                + "empty folder"
        case .allDamaged(let path, let newest):
            "\(path): no checkpoint can be read, the newest \(newest); start the run again in an "
                + "empty folder"
        case .ofOtherRun(let path, let differences):
            "\(path): is a checkpoint of another run; "
                + differences.map(Self.text(of:)).joined(separator: "; ")
                + "; use what the run began with"
        case .stateUnusable(let path, let error):
            "\(path): \(error)"
        }
    }

    /// Fingerprints tell a reader nothing but that they differ.
    private static func text(of difference: RunIdentity.Difference) -> String {
        let name = difference.name
        switch (difference.expected, difference.actual) {
        case (let expected?, let actual?)
        where expected.count < 16 && actual.count < 16 || name == "targets":
            return "\(name) is \(actual) there and \(expected) here"
        case (_?, _?): return "\(name) is another"
        case (_, nil): return "\(name) is not named there"
        case (nil, _): return "\(name) is not known here"
        }
    }
}

extension RunCheckpointError.Damage: CustomStringConvertible {
    /// Fits behind the name of the file.
    public var description: String {
        switch self {
        case .notACheckpoint: "is no checkpoint"
        case .versionUnknown(let version):
            "has version \(version), which this program does not know"
        case .altered: "is damaged"
        }
    }
}
