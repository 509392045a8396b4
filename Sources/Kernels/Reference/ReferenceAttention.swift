internal import Glibc

/// The plain twin of ``Attention``, for one sequence.
package struct ReferenceAttention {
    package var headCount: Int
    package var keyValueHeadCount: Int
    package var headDimension: Int
    /// The keys that each query sees; `nil` where it sees all up to its own, the last query's being
    /// the last of all.
    package var visible: [Range<Int>]?

    package init(
        headCount: Int,
        keyValueHeadCount: Int,
        headDimension: Int,
        visible: [Range<Int>]? = nil
    ) {
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headDimension = headDimension
        self.visible = visible
    }

    package func forward(
        q: ReferenceMatrix,
        k: ReferenceMatrix,
        v: ReferenceMatrix
    ) -> ReferenceMatrix {
        var o = ReferenceMatrix(q.rowCount, q.columnCount)
        for head in 0..<headCount {
            let group = head / (headCount / keyValueHeadCount)
            for query in 0..<q.rowCount {
                let p = probabilities(q: q, k: k, head: head, query: query)
                for channel in 0..<headDimension {
                    for (key, weight) in p.enumerated() {
                        o[query, head * headDimension + channel] +=
                            weight * v[key, group * headDimension + channel]
                    }
                }
            }
        }
        return o
    }

    package func backward(
        q: ReferenceMatrix,
        k: ReferenceMatrix,
        v: ReferenceMatrix,
        outputGradient go: ReferenceMatrix
    ) -> (q: ReferenceMatrix, k: ReferenceMatrix, v: ReferenceMatrix) {
        var gq = ReferenceMatrix(q.rowCount, q.columnCount)
        var gk = ReferenceMatrix(k.rowCount, k.columnCount)
        var gv = ReferenceMatrix(v.rowCount, v.columnCount)
        let scale = 1 / Double(headDimension).squareRoot()
        for head in 0..<headCount {
            let own = head * headDimension
            let group = head / (headCount / keyValueHeadCount) * headDimension
            for query in 0..<q.rowCount {
                let p = probabilities(q: q, k: k, head: head, query: query)
                let gp = p.indices.map { key in
                    (0..<headDimension).reduce(0) {
                        $0 + go[query, own + $1] * v[key, group + $1]
                    }
                }
                let mean = zip(p, gp).reduce(0) { $0 + $1.0 * $1.1 }
                for key in p.indices {
                    let gs = scale * p[key] * (gp[key] - mean)
                    for channel in 0..<headDimension {
                        gq[query, own + channel] += gs * k[key, group + channel]
                        gk[key, group + channel] += gs * q[query, own + channel]
                        gv[key, group + channel] += p[key] * go[query, own + channel]
                    }
                }
            }
        }
        return (gq, gk, gv)
    }

    /// The weights of all keys, 0 for those that the query doesn't see.
    private func probabilities(
        q: ReferenceMatrix,
        k: ReferenceMatrix,
        head: Int,
        query: Int
    ) -> [Double] {
        let group = head / (headCount / keyValueHeadCount)
        let seen = visible?[query] ?? 0..<k.rowCount - q.rowCount + query + 1
        let scores = seen.map { key in
            (0..<headDimension).reduce(0) {
                $0 + q[query, head * headDimension + $1] * k[key, group * headDimension + $1]
            } / Double(headDimension).squareRoot()
        }
        let largest = scores.max() ?? 0
        let exponentials = scores.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return (0..<k.rowCount).map { key in
            seen.contains(key) ? exponentials[key - seen.lowerBound] / sum : 0
        }
    }
}
