/** The lab's addresses. Every lab has the same ones: its namespaces are its own, so two labs never meet. */
export const addresses = {
  /** The cloud's network, and the one subnet in use: its nodes, and their pods. */
  vpc: '10.9.0.0/16',
  subnet: '10.9.0.0/20',
  subnetGateway: '10.9.0.1',
  /** The site's one Ethernet segment, and the Linux router on it. */
  site: '192.168.50.0/24',
  siteGateway: '192.168.50.1',
  /** Pods of routed physical machines: the VPC sends all of them onto the line, the site's gateway knows the machines. */
  sitePods: '172.16.0.0/16',
  /** Pods of bridged physical machines have these of the site's own addresses. */
  bridgedPods: '192.168.50.128-192.168.50.250',
  office: '10.200.0.0/24',
  officeHost: '10.200.0.2',
  /** Transit networks, /30 each. */
  line: { vpc: '169.254.100.1', site: '169.254.100.2' },
  officeToVpc: { vpc: '169.254.101.1', office: '169.254.101.2' },
  /** Clients on the internet, two of them at home in the place `internet`; the office has a public address there, too. */
  internet: {
    range: '203.0.113.0/24',
    clients: ['203.0.113.10', '203.0.113.20'],
    office: '203.0.113.30',
  },
  internetToVpc: { vpc: '169.254.103.1', internet: '169.254.103.2' },
  internetToOffice: { internet: '169.254.104.1', office: '169.254.104.2' },
  officeToSite: { site: '169.254.102.1', office: '169.254.102.2' },
  /** Services of the cloud, on the VPC router itself. */
  services: '100.80.80.0/24',
  metadata: '100.80.80.80',
  api: '100.80.80.81',
  store: '100.80.80.88',
} as const;

/** @unit bytes of an IP packet. UCloud's VPC interfaces carry 1454; a site and its leased line are plain Ethernet. */
export const mtu = { vpc: 1454, site: 1500 } as const;
