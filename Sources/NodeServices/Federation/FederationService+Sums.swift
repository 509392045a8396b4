internal import Federation
internal import Logging

/// What takes long, needs no turn of its own, and comes back as an event.
extension FederationService {
    func beginPublication(round: UInt64, state: ObjectID, exampleCount: Int) {
        Task { [parts, inputSink] in
            let event = await parts.publisher?.publish(
                round: round, state: state, exampleCount: exampleCount)
            inputSink.yield(
                .event(event ?? .trainingFailed(round: round, reason: .trainingFailed)))
        }
    }

    func beginMix(_ order: MixOrder) {
        Task { [parts, inputSink] in
            do {
                let outcome = try await parts.aggregation.mix(order)
                inputSink.yield(.event(.mixed(round: order.round, outcome: outcome)))
            } catch {
                parts.logger.error(
                    "the mean could not be formed",
                    metadata: ["round": "\(order.round)", "reason": "\(error)"]
                )
                inputSink.yield(.event(.mixFailed(round: order.round)))
            }
        }
    }

    func beginAggregation(_ order: AggregationOrder) {
        Task { [parts, inputSink] in
            do {
                let outcome = try await parts.aggregation.aggregate(order)
                inputSink.yield(.event(.aggregated(height: order.height, outcome: outcome)))
            } catch {
                parts.logger.error(
                    "the sum could not be formed",
                    metadata: ["height": "\(order.height)", "reason": "\(error)"]
                )
                inputSink.yield(.event(.aggregationFailed(height: order.height)))
            }
        }
    }

    func beginAggregation(_ order: SumOrder) {
        Task { [parts, inputSink] in
            do {
                switch try await parts.aggregation.aggregate(order) {
                case .success(let outcome):
                    inputSink.yield(.event(.aggregated(height: order.height, outcome: outcome)))
                case .failure(let reason):
                    inputSink.yield(.event(.sumRefused(height: order.height, reason)))
                }
            } catch {
                parts.logger.error(
                    "the opened sum could not be applied",
                    metadata: ["height": "\(order.height)", "reason": "\(error)"]
                )
                inputSink.yield(.event(.aggregationFailed(height: order.height)))
            }
        }
    }
}
