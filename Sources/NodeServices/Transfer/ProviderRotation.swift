package import LibP2P

/// Who is asked next for an object, and when; a pure value.
///
/// Providers are asked in turn: the one with the fewest fruitless attempts first, then in the
/// order in which they were named. A provider that broke the rules, or does not serve the object,
/// is not asked again. Several may be asked at the same time, each once.
package struct ProviderRotation {
    /// What to do next.
    package enum Step: Equatable {
        case ask(PeerID)
        case wait(Duration)
        /// Everybody who may be asked is.
        case allAsked
        case giveUp
    }

    private struct Provider {
        let peer: PeerID
        var fruitlessCount = 0
        var busyCount = 0
        var notBefore = Duration.zero
        var isOut = false
        var isAsked = false
    }

    private let settings: TransferSettings
    private var providers: [Provider] = []

    package init(settings: TransferSettings) {
        self.settings = settings
    }

    /// Adds providers that are not known yet.
    package mutating func add(_ peers: [PeerID]) {
        for peer in peers where !providers.contains(where: { $0.peer == peer }) {
            providers.append(Provider(peer: peer))
        }
    }

    /// Takes a provider out for good.
    package mutating func exclude(_ peer: PeerID) {
        guard let index = providers.firstIndex(where: { $0.peer == peer }) else { return }
        providers[index].isOut = true
    }

    /// The next step.
    package func next(now: Duration) -> Step {
        let left = providers.filter { provider in
            !provider.isOut && provider.fruitlessCount < settings.fruitlessAttemptCountMax
                && provider.busyCount < settings.busyCountMax
        }
        guard !left.isEmpty else { return .giveUp }
        let waiting = left.filter { !$0.isAsked }
        let due = waiting.filter { $0.notBefore <= now }
        var best: Provider?
        for provider in due where provider.fruitlessCount < (best?.fruitlessCount ?? .max) {
            best = provider
        }
        if let best { return .ask(best.peer) }
        guard let earliest = waiting.map(\.notBefore).min() else { return .allAsked }
        return .wait(earliest - now)
    }

    /// Notes that a provider is being asked, until `record`.
    package mutating func begin(_ peer: PeerID) {
        guard let index = providers.firstIndex(where: { $0.peer == peer }) else { return }
        providers[index].isAsked = true
    }

    /// Notes what came of asking a provider.
    package mutating func record(_ attempt: FetchAttempt, now: Duration) {
        guard let index = providers.firstIndex(where: { $0.peer == attempt.provider }) else {
            return
        }
        providers[index].isAsked = false
        if attempt.receivedByteCount > 0 {
            providers[index].fruitlessCount = 0
            providers[index].busyCount = 0
        }
        switch attempt.outcome {
        case .ended(.gone), .ended(.providerFault): providers[index].isOut = true
        case .ended(.complete), .ended(.objectRefused): break
        case .ended(.busy(let milliseconds)):
            providers[index].busyCount += 1
            let wait = Duration.milliseconds(max(milliseconds, 10))
            providers[index].notBefore = now + min(wait, settings.retryWaitMax)
        case .ended(.exhausted), .notOpened, .broken, .stalled:
            let doublings = min(providers[index].fruitlessCount, 16)
            let wait = settings.retryWait * (1 << doublings)
            providers[index].fruitlessCount += 1
            providers[index].notBefore = now + min(wait, settings.retryWaitMax)
        }
    }
}
