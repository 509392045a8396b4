internal import Cryptography
internal import Federation
internal import LibP2P
internal import Logging

/// Brings one object into the store and checks it: the work behind a fetch directive.
struct ObjectIntake: Sendable {
    let store: NodeStore
    let fetcher: ObjectFetcher
    let aggregation: AggregationWorker
    let manifest: SignedManifest
    let logger: Logger

    /// Fetches what is not here yet and says what became of it.
    ///
    /// - Parameter measured: told the bytes per second of a fetch that moved something.
    func bringIn(_ order: FetchOrder, measured: (Double) -> Void) async -> Event {
        do {
            if try await !store.holdsObject(order.objectID) {
                let report = try await fetcher.fetch(
                    order.objectID, byteCountMax: byteCountMax(of: order),
                    from: order.sources.map(PeerID.init(publicKey:))
                )
                if let rate = report.bytesPerSecond { measured(rate) }
            }
            let bytes = try await store.requiredObject(order.objectID)
            switch order.kind {
            case .update(let announced):
                let verdict = await aggregation.inspect(bytes, announced: announced)
                return .objectFetched(order.objectID, .update(verdict))
            case .state(let announced):
                let verdict = try await aggregation.inspectState(bytes, announced: announced)
                return .objectFetched(order.objectID, .update(verdict))
            case .adapter:
                guard await aggregation.isAdapterState(bytes) else {
                    logger.error(
                        "an adapter state can't be read",
                        metadata: ["object": "\(order.objectID)"]
                    )
                    try await store.deleteObjects([order.objectID])
                    return .objectFetchFailed(order.objectID)
                }
                return .objectFetched(order.objectID, .adapter)
            }
        } catch {
            logger.info(
                "object not fetched",
                metadata: ["object": "\(order.objectID)", "reason": "\(error)"]
            )
            return .objectFetchFailed(order.objectID)
        }
    }

    private func byteCountMax(of order: FetchOrder) -> Int {
        switch order.kind {
        case .update(let summary), .state(let summary):
            min(summary.byteCount, manifest.manifest.updateByteCountMax)
        case .adapter: aggregation.stateByteCountMax
        }
    }
}
