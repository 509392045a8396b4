import Testing

@testable import NodeServices

struct AlarmTests {
    @Test func `an alarm is set again only for an earlier time`() throws {
        var alarm = Alarm()
        let none = alarm.set(for: nil, now: .zero)
        let first = alarm.set(for: .seconds(60), now: .seconds(1))
        let late = try #require(first)
        let again = alarm.set(for: .seconds(60), now: .seconds(1))
        let later = alarm.set(for: .seconds(61), now: .seconds(1))
        let second = alarm.set(for: .seconds(5), now: .seconds(2))
        let early = try #require(second)
        #expect(none == nil && again == nil && later == nil)
        #expect(late.wait == .seconds(59) && early.wait == .seconds(3))
        let rang = (alarm.rings(late), alarm.rings(early), alarm.rings(early))
        #expect(rang == (false, true, false))
    }

    @Test func `however often an earlier time comes up, each wish is one wake`() {
        var alarm = Alarm()
        var sleepers: [(at: Int, setting: Alarm.Setting)] = []
        var wakes = 0
        // A wish each minute, and one in between that comes up every ten seconds.
        func next(_ now: Int) -> Duration {
            .seconds(min((now / 60 + 1) * 60, (now / 10 + 1) * 10))
        }
        for now in 0..<3_600 {
            for sleeper in sleepers where sleeper.at == now && alarm.rings(sleeper.setting) {
                wakes += 1
            }
            sleepers.removeAll { $0.at <= now }
            // Half of the time only the late wish is known.
            let wake = now % 10 < 5 ? .seconds((now / 60 + 1) * 60) : next(now)
            if let setting = alarm.set(for: wake, now: .seconds(now)) {
                sleepers.append((now + Int(setting.wait.components.seconds), setting))
            }
            #expect(sleepers.count <= 7)
        }
        #expect(wakes == 359)
    }
}
