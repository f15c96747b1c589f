/// Many connections, few calls on each: what a fleet looks like.
struct S1: DescribeRate {
    let id = "S1"
    let shape = LoadShape(connections: 64, inFlight: 16)
    let other: any Contender = FloorContender()
    let target = Target.atLeast(0.45, goal: 0.8)
}
