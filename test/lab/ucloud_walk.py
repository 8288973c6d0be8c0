"""Walks through a machine's life with UCloud's official Python SDK, against the endpoint named by the first argument.

Each step prints its name when its assertions hold; the first that does not ends the walk with a traceback.
"""

import base64
import importlib
import json
import logging
import subprocess
import sys
import time

from ucloud.client import Client
from ucloud.core import exc
from ucloud.core.typesystem import fields, schema

endpoint, public_key, private_key, region, zone, project, vpc, subnet, small = sys.argv[1:10]
logging.getLogger("ucloud").setLevel(logging.CRITICAL)


def client_with(public, private):
    return Client(
        {
            "region": region,
            "project_id": project,
            "public_key": public,
            "private_key": private,
            "base_url": endpoint,
            "timeout": 20,
        }
    )


client = client_with(public_key, private_key)
uhost, network, account, unet = client.uhost(), client.vpc(), client.uaccount(), client.unet()
nlb, ulb = client.nlb(), client.ulb()
udisk, ufs = client.udisk(), client.ufs()
passed = []

# Fields of the reference's example answers, and newer ones of its pages, that the SDK's models lack.
beyond = {
    "AllocateSecondaryIpResponse": {"IpInfo.*"},
    "DescribeSubnetResponse": {"DataSet.Name", "DataSet.VRouterId"},
}


def schema_of(action):
    for service in ("uhost", "vpc", "unet", "nlb", "ulb", "uaccount", "sts"):
        apis = importlib.import_module(f"ucloud.services.{service}.schemas.apis")
        found = getattr(apis, f"{action}Schema", None)
        if found:
            return found()
    return None


def strangers(value, model, path):
    if isinstance(model, fields.List):
        return [one for entry in value or [] for one in strangers(entry, model.item, path)]
    if not isinstance(model, schema.Schema) or not isinstance(value, dict):
        return []
    known = {field.load_from if hasattr(field, "load_from") and field.load_from else name: field
             for name, field in model.fields.items()}
    unknown = [f"{path}{name}" for name in value if name not in known]
    return unknown + [one for name in value if name in known
                      for one in strangers(value[name], known[name], f"{path}{name}.")]


def check_shape(answer, _):
    action = answer.get("Action", "")
    model = schema_of(action)
    if model is None or int(answer["RetCode"]) != 0:
        return answer
    shown = {name: value for name, value in answer.items() if name not in ("Action", "RetCode", "Message")}
    allowed = beyond.get(action, set())
    odd = {one for one in strangers(shown, model, "")
           if one not in allowed and f"{one.rsplit('.', 1)[0]}.*" not in allowed}
    assert not odd, f"{action} has fields that no page documents: {sorted(odd)}"
    checked.add(action)
    return answer


checked = set()
client.middleware.response_handlers.append(check_shape)


def step(name):
    passed.append(name)
    print(json.dumps({"step": name}), flush=True)


def refused(code, call, *args):
    try:
        call(*args)
    except exc.RetCodeException as e:
        assert e.code == code, f"expected {code}, got {e}"
        assert e.request_uuid and len(e.request_uuid) == 36, f"no request id: {e}"
        return
    raise AssertionError(f"expected {code}, got success")


def machine(uhost_id):
    answer = uhost.describe_uhost_instance({"Zone": zone, "UHostIds": [uhost_id]})
    assert len(answer["UHostSet"]) == answer["TotalCount"] == 1, answer
    return answer["UHostSet"][0]


def wait_for(uhost_id, state, through=()):
    now = None
    end = time.monotonic() + 60
    while time.monotonic() < end:
        now = machine(uhost_id)["State"]
        if now == state:
            return
        assert now in through, f"{now} on the way to {state}"
        time.sleep(0.01)
    raise AssertionError(f"waited 60 s for {uhost_id} to be {state}, last seen: {now}")


def secondary_ips(mac=None):
    query = {"Zone": zone, "SubnetId": subnet, "VPCId": vpc}
    if mac:
        query["Mac"] = mac
    return [entry["Ip"] for entry in network.describe_secondary_ip(query)["DataSet"]]


def walk_account():
    regions = account.get_region()["Regions"]
    assert any(r["Region"] == region and r["Zone"] == zone and r["IsDefault"] for r in regions)
    assert len(regions) > 40
    step("regions are listed with their zones")
    projects = account.get_project_list()
    assert projects["ProjectCount"] == 1
    assert projects["ProjectSet"][0]["ProjectId"] == project
    step("the project is listed")


def walk_network():
    found = network.describe_vpc({"VPCIds": [vpc]})
    assert found["TotalCount"] == 1 and found["DataSet"][0]["VPCId"] == vpc
    assert found["DataSet"][0]["Network"] == ["10.9.0.0/16"]
    assert network.describe_vpc({"VPCIds": ["uvnet-none"]})["DataSet"] == []
    step("the VPC is described, an unknown one is an empty set")
    found = network.describe_subnet({"SubnetId": subnet, "ShowAvailableIPs": True})
    (info,) = found["DataSet"]
    assert (info["Subnet"], info["Netmask"], info["Gateway"]) == ("10.9.0.0", "24", "10.9.0.1")
    assert info["AvailableIPs"] == 253
    step("the subnet is described with the addresses that are left")
    made = network.create_vpc({"Name": "other", "Network": ["172.20.0.0/16"]})["VPCId"]
    inner = network.create_subnet({"VPCId": made, "Subnet": "172.20.4.0", "Netmask": 29, "SubnetName": "tiny"})
    found = network.describe_subnet({"SubnetIds": [inner["SubnetId"]], "ShowAvailableIPs": True})["DataSet"]
    assert [(s["SubnetName"], s["AvailableIPs"]) for s in found] == [("tiny", 5)]
    refused(5022, network.create_subnet, {"VPCId": made, "Subnet": "172.20.4.0", "Netmask": 28})
    step("a VPC and a subnet are made, one that overlaps is refused")
    refused(5024, network.delete_vpc, {"VPCId": made})
    assert network.describe_subnet_resource({"SubnetId": inner["SubnetId"]})["DataSet"] == []
    network.delete_subnet({"SubnetId": inner["SubnetId"]})
    refused(8039, network.delete_subnet, {"SubnetId": inner["SubnetId"]})
    network.delete_vpc({"VPCId": made})
    assert network.describe_vpc({"VPCIds": [made]})["TotalCount"] == 0
    step("an empty subnet and an empty VPC are deleted, a VPC with a subnet is not")
    images = uhost.describe_image({"Zone": zone})
    (image,) = images["ImageSet"]
    assert "CloudInit" in image["Features"] and image["State"] == "Available"
    step("the image is listed and can take user data")
    return image


def wish(image, **more):
    return {
        "Zone": zone,
        "ImageId": image["ImageId"],
        "Name": "web-1",
        "Tag": "isthmus-shop",
        "CPU": 2,
        "Memory": 4096,
        "ChargeType": "Dynamic",
        "LoginMode": "Password",
        "Password": "s3cret Word",
        "Disks": [{"IsBoot": "True", "Type": "CLOUD_SSD", "Size": image["ImageSize"]}],
        "VPCId": vpc,
        "SubnetId": subnet,
        "UserData": base64.b64encode(b"#cloud-config\n{}\n").decode(),
        "AutoDataDiskInit": "Off",
        **more,
    }


def walk_create(image):
    assert uhost.check_uhost_resource_capacity(
        {"Zone": zone, "ImageId": image["ImageId"], "Disks": wish(image)["Disks"], "CPU": 2, "Memory": 4096}
    )["ResourceEnough"]
    step("stock is asked for before a burst")
    made = uhost.create_uhost_instance(wish(image))
    (uhost_id,), (ip,) = made["UHostIds"], made["IPs"]
    wait_for(uhost_id, "Running", ("Initializing", "Starting"))
    one = machine(uhost_id)
    (nic,) = one["IPSet"]
    assert (nic["IP"], nic["Type"], nic["Default"]) == (ip, "Private", "true")
    assert (one["Tag"], one["CPU"], one["Memory"], one["ChargeType"]) == ("isthmus-shop", 2, 4096, "Dynamic")
    assert one["DiskSet"][0]["IsBoot"] == "True"
    step("a machine is created and comes to run")
    batch = uhost.create_uhost_instance(wish(image, MaxCount=3, Name="burst", Tag="burst"))
    assert len(batch["UHostIds"]) == 3 and not batch.get("IPs")
    page = uhost.describe_uhost_instance({"Tag": "burst", "Limit": 2, "Offset": 2})
    assert page["TotalCount"] == 3 and len(page["UHostSet"]) == 1
    for each in batch["UHostIds"]:
        wait_for(each, "Running", ("Initializing", "Starting"))
    step("three machines are created by one call, and paged")
    assert uhost.describe_uhost_instance({"UHostIds": ["uhost-none"]})["UHostSet"] == []
    step("an unknown machine is an empty set")
    uhost.modify_uhost_instance_tag({"UHostId": uhost_id, "Tag": "renamed"})
    uhost.modify_uhost_instance_name({"UHostId": uhost_id, "Name": "web-2"})
    assert (machine(uhost_id)["Tag"], machine(uhost_id)["Name"]) == ("renamed", "web-2")
    step("tag and name are changed")
    return uhost_id, nic["Mac"], batch["UHostIds"]


def walk_addresses(uhost_id, mac, other_id):
    home = {"Zone": zone, "Mac": mac, "ObjectId": uhost_id, "SubnetId": subnet, "VPCId": vpc}
    given = network.allocate_secondary_ip(home)["IpInfo"]
    assert given["Mac"] == mac and given["Mask"] == "255.255.255.0" and given["VPCId"] == vpc
    assert secondary_ips(mac) == [given["Ip"]]
    held = network.describe_subnet_resource({"SubnetId": subnet, "ResourceType": "UHOST", "Limit": 100})["DataSet"]
    assert given["Ip"] in [entry["IP"] for entry in held if entry["ResourceId"] == uhost_id]
    step("a secondary address is allocated and listed")
    batch = network.allocate_batch_secondary_ip({**home, "Count": 4})["IpsInfo"]
    assert [entry["Status"]["StatusCode"] for entry in batch] == ["Succeeded"] * 4
    assert len(set(secondary_ips(mac))) == 5
    step("four secondary addresses are allocated by one call")
    block = network.allocate_batch_secondary_ip({**home, "Ip": ["10.9.0.64/31", given["Ip"]]})["IpsInfo"]
    assert [entry["Status"]["StatusCode"] for entry in block] == ["Succeeded", "Succeeded", "Failed"]
    step("a block of addresses is allocated, and one that is taken fails alone")
    known = unet.describe_private_ip({"ObjectId": uhost_id, "Limit": 100})
    assert known["TotalCount"] == 8
    assert [entry["PrivateIPType"] for entry in known["DataSet"]].count("SecondaryIP") == 7
    step("the second source lists the same addresses")
    other = machine(other_id)["IPSet"][0]["Mac"]
    network.move_secondary_ip_mac({"Ip": given["Ip"], "OldMac": mac, "NewMac": other, "SubnetId": subnet})
    assert secondary_ips(other) == [given["Ip"]]
    step("a secondary address moves to another machine")
    gone = {"Zone": zone, "Ip": batch[0]["Ip"], "Mac": mac, "SubnetId": subnet, "VPCId": vpc}
    network.delete_secondary_ip(gone)
    assert batch[0]["Ip"] not in secondary_ips(mac)
    refused(58221, network.delete_secondary_ip, gone)
    step("a secondary address is deleted, and a second time it is gone")


def interfaces(**query):
    return network.describe_network_interface(query)["NetworkInterfaceSet"]


def walk_interfaces(image):
    made = network.create_network_interface({"VPCId": vpc, "SubnetId": subnet, "Name": "data"})["NetworkInterface"]
    nic, (ip,) = made["InterfaceId"], made["PrivateIpSet"]
    assert (made["AttachInstanceId"], made["Default"], made["Gateway"]) == ("", False, "10.9.0.1"), made
    step("a network interface is made with an address of its own")
    plain = uhost.create_uhost_instance(wish(image, Tag="plain"))["UHostIds"][0]
    host = uhost.create_uhost_instance(wish(image, Features={"UNI": True}, Tag="elastic"))["UHostIds"][0]
    for each in (plain, host):
        wait_for(each, "Running", ("Initializing", "Starting"))
    refused(230, network.attach_network_interface, {"InterfaceId": nic, "InstanceId": plain})
    network.attach_network_interface({"InterfaceId": nic, "InstanceId": host})
    refused(58205, network.attach_network_interface, {"InterfaceId": nic, "InstanceId": host})
    end = time.monotonic() + 60
    while interfaces(InterfaceId=[nic])[0]["Status"] != 1:
        assert time.monotonic() < end, "waited 60 s for the interface to be attached"
        time.sleep(0.01)
    (first, second) = network.describe_instance_network_interface({"InstanceId": host})["NetworkInterfaceSet"]
    assert (first["Default"], second["Default"], second["InterfaceId"]) == (True, False, nic)
    assert [entry["IP"] for entry in machine(host)["IPSet"]] == [first["PrivateIpSet"][0], ip]
    step("it is attached to a machine that was made for it, and to no other")
    home = {"Zone": zone, "Mac": made["MacAddress"], "ObjectId": nic, "SubnetId": subnet, "VPCId": vpc}
    given = network.allocate_secondary_ip(home)["IpInfo"]["Ip"]
    (told,) = interfaces(InterfaceId=[nic])
    assert told["PrivateIpLimit"] == {"PrivateIpCount": 2, "PrivateIpQuota": 2}
    assert told["PrivateIp"] == [{"IpType": "PrimaryIp", "IpAddr": [ip]}, {"IpType": "SecondaryIp", "IpAddr": [given]}]
    refused(4207, network.allocate_secondary_ip, home)
    step("it takes secondary addresses, as many as its quota tells")
    refused(5024, network.delete_network_interface, {"InterfaceId": nic})
    network.detach_network_interface({"InterfaceId": nic, "InstanceId": host})
    while interfaces(InterfaceId=[nic])[0]["Status"] != 0:
        assert time.monotonic() < end, "waited 60 s for the interface to be free"
        time.sleep(0.01)
    network.delete_network_interface({"InterfaceId": nic})
    assert interfaces(InterfaceId=[nic]) == []
    assert [one["InterfaceId"] for one in interfaces(OnlyDefault=True)] == [first["InterfaceId"]]
    step("it is deleted after it was detached, and its addresses with it")
    return [plain, host]


def image_set(**query):
    return uhost.describe_image({"Zone": zone, **query})["ImageSet"]


def walk_images(image, uhost_id):
    wanted = {"Zone": zone, "UHostId": uhost_id, "ImageName": "golden", "Tag": "shop"}
    refused(8905, uhost.create_custom_image, wanted)
    uhost.stop_uhost_instance({"Zone": zone, "UHostId": uhost_id})
    wait_for(uhost_id, "Stopped", ("Stopping",))
    made = uhost.create_custom_image(wanted)["ImageId"]
    (seen,) = image_set(ImageIds=[made])
    assert seen["State"] in ("Making", "Available"), seen
    assert (seen["ImageType"], seen["ImageSize"], seen["OsName"]) == ("Custom", image["ImageSize"], image["OsName"])
    assert [one["ImageId"] for one in image_set(ImageType="Base")] == [image["ImageId"]]
    end = time.monotonic() + 60
    while image_set(ImageIds=[made])[0]["State"] != "Available":
        assert time.monotonic() < end, "waited 60 s for the image to be made"
        time.sleep(0.01)
    step("an image is made of a stopped machine, and of no other")
    copy = uhost.create_uhost_instance(wish(seen, Name="copy"))["UHostIds"][0]
    wait_for(copy, "Running", ("Initializing", "Starting"))
    assert (machine(copy)["ImageId"], machine(copy)["BasicImageId"]) == (made, image["ImageId"])
    uhost.terminate_custom_image({"ImageId": made})
    assert image_set(ImageIds=[made]) == []
    refused(8039, uhost.terminate_custom_image, {"ImageId": made})
    refused(230, uhost.terminate_custom_image, {"ImageId": image["ImageId"]})
    uhost.start_uhost_instance({"Zone": zone, "UHostId": uhost_id})
    wait_for(uhost_id, "Running", ("Starting",))
    step("a machine is created with it and outlives it")
    return copy


def walk_labels(uhost_id):
    # The SDK has no service for labels: the generic call signs and sends all the same.
    shop = [{"Key": "shop", "Value": "a b"}]
    client.invoke("BindLabels", {"ResourceIds": [uhost_id], "Labels": shop})
    query = {"Labels": shop, "ResourceTypes": ["uhost"], "ProjectIds": [project]}
    found = client.invoke("ListResourcesByLabels", query)
    assert [one["ResourceId"] for one in found["Resources"]] == [uhost_id]
    told = client.invoke("ListLabelsByResourceIds", {"ResourceIds": [uhost_id]})["Labels"]
    assert [(one["Key"], one["Value"]) for one in told] == [("shop", "a b")]
    client.invoke("UnbindLabels", {"ResourceIds": [uhost_id], "Labels": shop})
    assert client.invoke("ListResourcesByLabels", query)["TotalCount"] == 0
    refused(8039, client.invoke, "BindLabels", {"ResourceIds": ["uhost-none"], "Labels": shop})
    step("a machine is found by its label, and no longer when that is taken off")


def walk_firewall(uhost_id):
    rules = ["TCP|22|10.0.0.0/8|ACCEPT|HIGH|ssh", "ICMP||0.0.0.0/0|DROP|LOW|"]
    made = unet.create_firewall({"Name": "edge", "Rule": rules})["FWId"]
    refused(230, unet.create_firewall, {"Name": "edge", "Rule": ["TCP|22"]})
    unet.grant_firewall({"FWId": made, "ResourceType": "uhost", "ResourceId": uhost_id})
    (seen,) = unet.describe_firewall({"ResourceType": "uhost", "ResourceId": uhost_id})["DataSet"]
    assert (seen["FWId"], seen["ResourceCount"], len(seen["Rule"])) == (made, 1, 2)
    (rule, _) = seen["Rule"]
    assert (rule["ProtocolType"], rule["DstPort"], rule["SrcIP"], rule["RuleAction"]) == ("TCP", "22", "10.0.0.0/8", "ACCEPT")
    assert unet.describe_firewall_resource({"FWId": made})["ResourceSet"][0]["ResourceID"] == uhost_id
    refused(4361, unet.delete_firewall, {"FWId": made})
    refused(54002, unet.describe_firewall, {"FWId": "firewall-none"})
    step("a firewall is made, granted to a machine, listed, and not deleted while it is used")


def wait_until(what, look):
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end, f"waited 60 s for {what}"
        time.sleep(0.02)


def walk_balancers(uhost_id):
    made = nlb.create_network_load_balancer({"VPCId": vpc, "SubnetId": subnet, "Name": "shop", "ChargeType": "Dynamic"})["NLBId"]

    def seen():
        found = nlb.describe_network_load_balancers({"NLBIds": [made], "ShowDetail": True})["NLBs"]
        return found[0] if found else None

    wait_until("the balancer to be listed", seen)
    assert [one["Type"] for one in seen()["IPInfos"]] == [1, 2]
    assert nlb.describe_network_load_balancers({"NLBIds": ["nlb-none"]})["TotalCount"] == 0
    refused(4103, nlb.create_nlb_listener, {"NLBId": "nlb-none", "Protocol": "TCP", "HealthCheckConfig": {"Port": 80}})
    step("a network load balancer is made with two addresses, and is listed a little later")
    ports = {"NLBId": made, "Protocol": "TCP", "StartPort": 80, "EndPort": 80, "HealthCheckConfig": {"Port": 30080}}
    listener = nlb.create_nlb_listener(ports)["ListenerId"]
    refused(4107, nlb.create_nlb_listener, ports)
    place = {"NLBId": made, "ListenerId": listener}
    wanted = [
        {"ResourceType": "UHost", "ResourceId": uhost_id, "Port": 30080},
        {"ResourceType": "IP", "VPCId": vpc, "SubnetId": subnet, "ResourceIP": "10.9.0.200", "Port": 8080},
    ]
    targets = nlb.add_nlb_targets({**place, "Targets": wanted})["Targets"]
    assert [one["State"] for one in targets] == ["Unhealthy", "Unhealthy"]
    refused(4109, nlb.add_nlb_targets, {**place, "Targets": wanted[1:]})
    wait_until("the targets to be healthy", lambda: (seen()["Listeners"] or [{"State": ""}])[0]["State"] == "Healthy")
    (shown,) = nlb.describe_nlb_listeners(place)["Listeners"]
    assert [one["ResourceType"] for one in shown["Targets"]] == ["UHost", "IP"]
    step("a listener has machines and addresses as targets, which are healthy after some checks")
    nlb.update_nlb_targets_attribute({**place, "Targets": [{"Id": targets[0]["Id"], "Enabled": False, "Weight": 9}]})
    nlb.update_nlb_listener_attribute({**place, "StickinessTimeout": 0})
    nlb.update_network_load_balancer_attribute({"NLBId": made, "Remark": "changed"})
    (shown,) = nlb.describe_nlb_listeners(place)["Listeners"]
    assert (shown["StickinessTimeout"], shown["Targets"][0]["Enabled"], shown["Targets"][0]["Weight"]) == (0, False, 9)
    refused(230, nlb.remove_nlb_targets, {**place, "Ids": ["target-none"] * 41})
    nlb.remove_nlb_targets({**place, "Ids": [one["Id"] for one in targets]})
    refused(4093, nlb.remove_nlb_targets, {**place, "Ids": [targets[0]["Id"]]})
    step("targets and listener are changed, and targets are removed, at most forty by one call")
    (given,) = unet.allocate_eip({"OperatorName": "Bgp", "Bandwidth": 2, "ChargeType": "Dynamic"})["EIPSet"]
    eip = given["EIPId"]
    pair = {"EIPId": eip, "ResourceType": "ulb", "ResourceId": made}

    def status():
        (one,) = unet.describe_eip({"EIPIds": [eip]})["EIPSet"]
        return one["Status"]

    unet.bind_eip(pair)
    wait_until("the EIP to be used", lambda: status() == "used")
    assert seen()["IPInfos"][2]["IP"] == given["EIPAddr"][0]["IP"]
    unet.modify_eip_bandwidth({"EIPId": eip, "Bandwidth": 5})
    unet.update_eip_attribute({"EIPId": eip, "Remark": "mine"})
    unet.set_eip_pay_mode({"EIPId": eip, "PayMode": "Traffic", "Bandwidth": 300})
    refused(4212, unet.release_eip, {"EIPId": eip})
    unet.un_bind_eip(pair)
    wait_until("the EIP to be free", lambda: status() == "free")
    refused(4211, unet.un_bind_eip, pair)
    unet.release_eip({"EIPId": eip})
    assert unet.describe_eip({"EIPIds": [eip]})["TotalCount"] == 0
    refused(8039, unet.release_eip, {"EIPId": eip})
    step("an EIP is bound to the balancer, unbound and released")
    nlb.delete_nlb_listener(place)
    refused(4088, nlb.delete_nlb_listener, place)
    nlb.delete_network_load_balancer({"NLBId": made, "ReleaseEIP": True})
    assert seen() is None
    step("listener and balancer are deleted")


def certificate(name):
    """A key and a certificate that it signed itself, as one text."""
    return subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", "-", "-out", "-", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"],
        check=True, capture_output=True, text=True,
    ).stdout


def walk_application_balancers(uhost_id):
    made = ulb.create_load_balancer({"VPCId": vpc, "SubnetId": subnet, "Name": "shop", "ChargeType": "Dynamic"})["LoadBalancerId"]

    def seen():
        found = ulb.describe_load_balancers({"LoadBalancerIds": [made], "ShowDetail": True, "Limit": "10"})["LoadBalancers"]
        return found[0] if found else None

    wait_until("the balancer to be listed", seen)
    assert (seen()["Type"], seen()["IPInfos"][0]["AddressType"], len(seen()["SnatIPs"])) == ("Application", "Intranet", 2)
    assert ulb.describe_load_balancers({"LoadBalancerIds": ["alb-none"]})["TotalCount"] == 0
    refused(4103, ulb.create_listener, {"LoadBalancerId": "alb-none"})
    step("an application load balancer is made, and is listed a little later")
    shop, other = (ulb.create_ssl({"SSLName": name, "SSLContent": certificate(name)})["SSLId"]
                   for name in ("shop.example.com", "other.example.com"))
    refused(220, ulb.create_ssl, {"SSLName": "empty"})
    refused(230, ulb.create_ssl, {"SSLName": "broken", "SSLContent": "-----BEGIN CERTIFICATE-----"})
    (info,) = ulb.describe_ssl_v2({"SSLId": shop})["DataSet"]
    assert (info["DNSNames"], info["Relations"], "PRIVATE" in info["SSLContent"]) == ("shop.example.com", [], False)
    secured = {"LoadBalancerId": made, "ListenerPort": 443, "ListenerProtocol": "HTTPS"}
    refused(220, ulb.create_listener, secured)
    refused(230, ulb.create_listener, {**secured, "Certificates": [shop, other]})
    place = {"LoadBalancerId": made, "ListenerId": ulb.create_listener({**secured, "Certificates": [shop]})["ListenerId"]}
    ulb.add_ssl_binding({**place, "SSLIds": [other]})
    refused(4108, ulb.add_ssl_binding, {**place, "SSLIds": [other]})
    refused(4108, ulb.delete_ssl, {"SSLId": other})
    (info,) = ulb.describe_ssl_v2({"SSLId": other})["DataSet"]
    assert [(one["ListenerId"], one["IsDefault"]) for one in info["Relations"]] == [(place["ListenerId"], False)]
    refused(230, ulb.delete_ssl_binding, {**place, "SSLIds": [shop]})
    ulb.delete_ssl_binding({**place, "SSLIds": [other]})
    ulb.delete_ssl({"SSLId": other})
    step("a listener has one certificate from the beginning, others are bound and unbound, and none is deleted in use")
    plain = ulb.create_listener({"LoadBalancerId": made, "RedirectEnabled": True})["ListenerId"]
    refused(4107, ulb.create_listener, {"LoadBalancerId": made})
    refused(230, ulb.update_listener_attribute, {**place, "HealthCheckConfig": {"Enabled": False}})
    ulb.update_listener_attribute({
        **place, "Scheduler": "Leastconn", "StickinessConfig": {"Enabled": True, "Type": "UserDefined", "CookieName": "sid"},
        "HealthCheckConfig": {"Type": "HTTP", "Path": "/healthz", "Method": "GET", "ResponseCode": "2xx", "UpCounts": 2},
    })
    wanted = [
        {"ResourceType": "UHost", "ResourceId": uhost_id, "Port": 30080},
        {"ResourceType": "IP", "VPCId": vpc, "SubnetId": subnet, "ResourceIP": "10.9.0.201", "Port": 8080},
    ]
    targets = ulb.add_targets({**place, "Targets": wanted})["Targets"]
    refused(4109, ulb.add_targets, {**place, "Targets": wanted[1:]})
    refused(230, ulb.add_targets, {**place, "Targets": [wanted[1]] * 21})
    ulb.update_targets_attribute({**place, "Targets": [{"Id": targets[0]["Id"], "Weight": 9}]})

    def listener():
        (one,) = ulb.describe_listeners({"ListenerId": place["ListenerId"]})["Listeners"]
        return one

    wait_until("the targets to be healthy", lambda: listener()["State"] == "Healthy")
    assert (listener()["Scheduler"], listener()["HealthCheckConfig"]["UpCounts"], listener()["Targets"][0]["Weight"]) == ("Leastconn", 2, 9)
    step("listeners are made and changed, and their targets are healthy after some checks")
    rule = {
        **place,
        "RuleConditions": [
            {"Type": "Host", "HostConfig": {"MatchMode": "Wildcard", "Values": ["*.example.com"]}},
            {"Type": "Path", "PathConfig": {"Values": ["^/api(/.*)?$"]}},
        ],
        "RuleActions": [
            {"Type": "InsertHeader", "Order": 1, "InsertHeaderConfig": {"Key": "x-rule", "ValueType": "SystemDefined", "Value": "RuleID"}},
            {"Type": "Forward", "ForwardConfig": {"Targets": [{"Id": targets[0]["Id"], "Weight": 3}]}},
        ],
    }
    rule_id = ulb.create_rule(rule)["RuleId"]
    refused(4093, ulb.create_rule, {**rule, "RuleActions": [{"Type": "Forward", "ForwardConfig": {"Targets": [{"Id": "ars-none"}]}}]})
    refused(63030, ulb.create_rule, {**rule, "RuleConditions": [{"Type": "Path", "PathConfig": {"Values": []}}]})
    refused(63031, ulb.create_rule, {**rule, "RuleConditions": [{"Type": "Path", "PathConfig": {"Values": ["/a\\.b"]}}]})
    wait_until("the rule to be listed", lambda: len(ulb.describe_rules(place)["Rules"]) == 2)
    first, last = ulb.describe_rules(place)["Rules"]
    assert (first["RuleId"], first["Pass"], first["RuleActions"][0]["Order"], last["IsDefault"]) == (rule_id, True, 1, True)
    assert [one["Weight"] for one in last["RuleActions"][0]["ForwardConfig"]["Targets"]] == [9, 1]
    teapot = {"Type": "FixedResponse", "FixedResponseConfig": {"HttpCode": 418, "Content": "short and stout"}}
    ulb.update_rule_attribute({**place, "RuleId": rule_id, "RuleActions": [teapot]})
    (first,) = ulb.describe_rules({**place, "RuleId": rule_id})["Rules"]
    assert first["RuleActions"][0]["FixedResponseConfig"]["HttpCode"] == 418
    refused(230, ulb.delete_rule, {**place, "RuleId": last["RuleId"]})
    ulb.delete_rule({**place, "RuleId": rule_id})
    refused(4210, ulb.delete_rule, {**place, "RuleId": rule_id})
    step("a rule is made, changed and deleted, and the default one stays")
    (given,) = unet.allocate_eip({"OperatorName": "Bgp", "Bandwidth": 2, "ChargeType": "Dynamic"})["EIPSet"]
    unet.bind_eip({"EIPId": given["EIPId"], "ResourceType": "ulb", "ResourceId": made})
    wait_until("the EIP to be shown", lambda: len(seen()["IPInfos"]) == 2)
    assert (seen()["IPInfos"][1]["IP"], seen()["IPInfos"][1]["AddressType"]) == (given["EIPAddr"][0]["IP"], "Internet")
    ulb.remove_targets({**place, "Ids": [one["Id"] for one in targets]})
    refused(5024, ulb.delete_listener, {**place, "RelatedRedirectDisabled": False})
    ulb.delete_listener({**place, "RelatedRedirectDisabled": True})
    assert [one["ListenerId"] for one in ulb.describe_listeners({"LoadBalancerId": made})["Listeners"]] == [plain]
    ulb.delete_load_balancer({"LoadBalancerId": made})
    assert seen() is None
    ulb.delete_ssl({"SSLId": shop})

    def status():
        (one,) = unet.describe_eip({"EIPIds": [given["EIPId"]]})["EIPSet"]
        return one["Status"]

    wait_until("the EIP to be free", lambda: status() == "free")
    unet.release_eip({"EIPId": given["EIPId"]})
    step("the balancer is deleted, and its EIP stays")


def walk_classic_balancers(uhost_id):
    refused(230, ulb.create_ulb, {"ULBName": "shop", "OuterMode": "Yes"})
    made = ulb.create_ulb({"ULBName": "shop", "VPCId": vpc, "SubnetId": subnet, "InnerMode": "Yes", "ChargeType": "Dynamic"})["ULBId"]

    def seen():
        found = ulb.describe_ulb({"ULBId": made})["DataSet"]
        return found[0] if found else None

    wait_until("the balancer to be listed", seen)
    assert (seen()["ULBType"], seen()["ListenType"]) == ("InnerMode", "PacketsTransmit")
    (simple,) = ulb.describe_ulb_simple({"ULBId": made})["DataSet"]
    assert (simple["PrivateIP"], simple["VServerCount"]) == (seen()["PrivateIP"], 0)
    ports = {"ULBId": made, "ListenType": "PacketsTransmit", "Protocol": "TCP", "FrontendPort": 80}
    listener = ulb.create_vserver(ports)["VServerId"]
    refused(4107, ulb.create_vserver, ports)
    refused(4144, ulb.create_vserver, {**ports, "Protocol": "HTTP", "FrontendPort": 81})
    wanted = {"ULBId": made, "VServerId": listener, "ResourceType": "UHost", "ResourceId": uhost_id}
    refused(4118, ulb.allocate_backend, {**wanted, "Port": 8080})
    backend = ulb.allocate_backend(wanted)["BackendId"]
    refused(4109, ulb.allocate_backend, wanted)
    wait_until("the back end to be healthy", lambda: [one["Status"] for one in seen()["VServerSet"][0]["BackendSet"]] == [0])
    ulb.update_backend_attribute({"ULBId": made, "BackendId": backend, "Enabled": 0})
    ulb.update_vserver_attribute({"ULBId": made, "VServerId": listener, "Method": "Source", "ClientTimeout": 0})
    (shown,) = ulb.describe_vserver({"ULBId": made, "VServerId": listener})["DataSet"]
    assert (shown["Method"], shown["ClientTimeout"], shown["BackendSet"][0]["Enabled"]) == ("Source", 0, 0)
    ulb.release_backend({"ULBId": made, "BackendId": backend})
    refused(4093, ulb.release_backend, {"ULBId": made, "BackendId": backend})
    ulb.delete_vserver({"ULBId": made, "VServerId": listener})
    refused(4103, ulb.describe_vserver, {"ULBId": made, "VServerId": listener})
    ulb.delete_ulb({"ULBId": made})
    assert seen() is None
    step("a classic load balancer forwards packets to a machine on the same port, and is deleted")


def walk_disks(uhost_id):
    def seen(disk_id, **query):
        found = udisk.describe_udisk({"UDiskId": disk_id, "ProtocolVersion": 1, **query})["DataSet"]
        return found[0] if found else None

    def wait_for_disk(disk_id, status):
        wait_until(f"{disk_id} to be {status}", lambda: (seen(disk_id) or {}).get("Status") == status)
        return seen(disk_id)

    wish = {"Zone": zone, "Size": 20, "Name": "pvc-1", "DiskType": "SSDDataDisk", "ChargeType": "Dynamic", "Tag": "shop"}
    (made,) = udisk.create_udisk(wish)["UDiskId"]
    assert seen(made)["Status"] == "Initializating"
    disk = wait_for_disk(made, "Available")
    assert (disk["DiskType"], disk["IsBoot"], disk["Size"], disk["Name"]) == ("CLOUD_SSD", "False", 20, "pvc-1"), disk
    assert seen(made, ProtocolVersion=0)["DiskType"] == "SSDDataDisk"
    assert udisk.describe_udisk({"UDiskId": "bs-none"})["DataSet"] == []
    refused(230, udisk.create_udisk, {**wish, "Size": 8001})
    (price,) = udisk.describe_udisk_price({"Zone": zone, "Size": 20, "ChargeType": "Dynamic"})["DataSet"]
    assert price["ChargeType"] == "Dynamic"
    step("a disk is made, listed under the names of both protocols, and is Available a little later")

    attached = udisk.attach_udisk({"Zone": zone, "UDiskId": made, "HostId": uhost_id, "MultiAttach": "No"})
    assert (attached["DeviceName"], attached["UHostId"]) == ("/dev/vdb", uhost_id), attached
    refused(17056, udisk.attach_udisk, {"Zone": zone, "UDiskId": made, "HostId": uhost_id})
    assert wait_for_disk(made, "InUse")["HostId"] == uhost_id
    refused(17057, udisk.attach_udisk, {"Zone": zone, "UDiskId": made, "HostId": uhost_id})
    refused(17030, udisk.delete_udisk, {"Zone": zone, "UDiskId": made})
    assert [one["Drive"] for one in machine(uhost_id)["DiskSet"]] == ["/dev/vda", "/dev/vdb"]
    udisk.resize_udisk({"Zone": zone, "UDiskId": made, "Size": 30})
    wait_until("the disk to grow", lambda: seen(made)["Size"] == 30)
    udisk.rename_udisk({"Zone": zone, "UDiskId": made, "UDiskName": "renamed"})
    udisk.detach_udisk({"Zone": zone, "UDiskId": made, "UHostId": uhost_id})
    refused(17061, udisk.detach_udisk, {"Zone": zone, "UDiskId": made, "UHostId": uhost_id})
    assert wait_for_disk(made, "Available")["Name"] == "renamed"
    step("it is attached to one machine, grows there, and is detached")

    snapshots = []
    for name in ["a", "b", "c"]:
        snapshots += udisk.create_udisk_snapshot({"Zone": zone, "UDiskId": made, "Name": name})["SnapshotId"]
        wait_until("the snapshot", lambda: udisk.describe_udisk_snapshot({"Zone": zone, "SnapshotId": snapshots[-1]})["DataSet"][0]["Status"] == "Normal")
    refused(17011, udisk.create_udisk_snapshot, {"Zone": zone, "UDiskId": made, "Name": "d"})
    udisk.restore_udisk({"Zone": zone, "UDiskId": made, "SnapshotId": snapshots[0]})
    refused(17098, udisk.restore_udisk, {"Zone": zone, "UDiskId": made, "SnapshotId": snapshots[0]})
    wait_for_disk(made, "Available")
    client.invoke("CreateSnapshotService", {"Zone": zone, "VDiskId": made, "ChargeType": "Dynamic"})
    assert client.invoke("DescribeSnapshotService", {"Zone": zone, "VDiskId": made})["DataSet"][0]["Status"] == "Available"
    client.invoke("DeleteSnapshotService", {"Zone": zone, "VDiskId": made})
    step("a disk has three snapshots, and is set back to one")

    (copy,) = udisk.clone_udisk_snapshot({"Zone": zone, "SourceId": snapshots[0], "Name": "copy", "Size": 40})["UDiskId"]
    assert wait_for_disk(copy, "Available")["Size"] == 40
    (clone,) = udisk.clone_udisk({"Zone": zone, "SourceId": made, "Name": "clone"})["UDiskId"]
    refused(17086, udisk.delete_udisk, {"Zone": zone, "UDiskId": made})
    assert wait_for_disk(clone, "Available")["ChargeType"] == "Month"
    udisk.delete_udisk_snapshot({"Zone": zone, "UDiskId": made})
    assert udisk.describe_udisk_snapshot({"Zone": zone, "UDiskId": made})["TotalCount"] == 0
    for each in [made, copy, clone]:
        udisk.delete_udisk({"Zone": zone, "UDiskId": each})
    refused(17041, udisk.delete_udisk, {"Zone": zone, "UDiskId": made})
    step("disks are made of a snapshot and of a disk, and all are deleted")

    both = udisk.create_attach_udisk({"Zone": zone, "Size": 10, "Name": "data", "HostId": uhost_id, "MultiAttach": "No"})
    wait_for_disk(both["UDiskId"], "InUse")
    udisk.detach_delete_udisk({"Zone": zone, "UDiskId": both["UDiskId"], "HostId": uhost_id})
    wait_until("the disk to go", lambda: seen(both["UDiskId"]) is None)
    step("a disk is made and attached by one call, and detached and deleted by another")


def walk_file_systems():
    def points(share):
        return ufs.describe_ufs_volume_mountpoint({"VolumeId": share})["DataSet"]

    made = ufs.create_ufs_volume({"Size": 500, "StorageType": "Basic", "ProtocolType": "NFSv4", "VolumeName": "shared"})
    assert made["VolumeStatus"] == "UnInitialized", made
    share = made["VolumeId"]
    old = {"VolumeId": share}
    wait_until("the file system", lambda: client.invoke("DescribeUFSVolume", old)["DataSet"][0]["VolumeStatus"] == "Initialized")
    refused(230, ufs.create_ufs_volume, {"Size": 450, "StorageType": "Basic", "ProtocolType": "NFSv4"})
    ufs.extend_ufs_volume({"VolumeId": share, "Size": 600})
    ufs.update_ufs_volume_info({"VolumeId": share, "Remark": "by the walk"})
    (seen,) = ufs.describe_ufs_volume_2({"VolumeId": share})["DataSet"]
    assert (seen["Size"], seen["Remark"], seen["MaxMountPointNum"]) == (600, "by the walk", 5), seen
    (price,) = ufs.describe_ufs_volume_price({"Size": 500, "StorageType": "Basic", "ChargeType": "Month"})["DataSet"]
    assert price["ChargeType"] == "Month"
    step("a file system is made, extended and listed")

    home = {"VolumeId": share, "VpcId": vpc, "SubnetId": subnet}
    refused(65126, points, share)
    ufs.add_ufs_volume_mount_point({**home, "MountPointName": "nodes"})
    wait_until("the mount point", lambda: ufs.describe_ufs_volume_2({"VolumeId": share})["DataSet"][0]["TotalMountPointNum"] == 1)
    (point,) = points(share)
    assert point["MountPointIp"].endswith(":/") and point["SubnetId"] == subnet, point
    refused(65101, ufs.remove_ufs_volume, {"VolumeId": share})
    ufs.remove_ufs_volume_mount_point(home)
    wait_until("the mount point to go", lambda: ufs.describe_ufs_volume_2({"VolumeId": share})["DataSet"][0]["TotalMountPointNum"] == 0)
    ufs.remove_ufs_volume({"VolumeId": share})
    assert ufs.describe_ufs_volume_2({"VolumeId": share})["TotalCount"] == 0
    step("it has a mount point in a subnet, and is removed after that")


def walk_route_tables(uhost_id):
    table = network.create_route_table({"VPCId": vpc, "Name": "via"})["RouteTableId"]
    add = f"new|10.30.0.0/16|instance|{uhost_id}|0|a remark|add"
    network.modify_route_rule({"RouteTableId": table, "RouteRule": [add]})
    refused(5022, network.modify_route_rule, {"RouteTableId": table, "RouteRule": [add]})
    (seen,) = network.describe_route_table({"RouteTableId": table})["RouteTables"]
    assert (seen["RouteTableType"], seen["SubnetCount"], seen["VPCId"]) == (0, 0, vpc)
    (rule,) = [one for one in seen["RouteRules"] if one["RuleType"] == 1]
    assert (rule["DstAddr"], rule["NexthopType"], rule["NexthopId"]) == ("10.30.0.0/16", "INSTANCE", uhost_id)
    assert (rule["InstanceType"], rule["Remark"], rule["VNetId"]) == ("UHOST", "a remark", vpc)
    assert "LOCAL" in [one["NexthopType"] for one in seen["RouteRules"]]
    step("a route table is made with a rule of its own beside those of the system")
    network.associate_route_table({"SubnetId": small, "RouteTableId": table})
    assert network.describe_subnet({"SubnetId": small})["DataSet"][0]["RouteTableId"] == table
    copy = network.clone_route_table({"RouteTableId": table})["RouteTableId"]
    network.update_route_table_attribute({"RouteTableId": copy, "Remark": "a copy"})
    brief = network.describe_route_table({"VPCId": vpc, "Brief": True, "OffSet": 1, "Limit": 10})
    assert brief["TotalCount"] == 3 and [one["Remark"] for one in brief["RouteTables"]] == ["", "a copy"]
    step("a subnet follows another route table, and a table is copied")
    refused(58119, network.delete_route_table, {"RouteTableId": table})
    default = network.describe_subnet({"SubnetId": subnet})["DataSet"][0]["RouteTableId"]
    network.associate_route_table({"SubnetId": small, "RouteTableId": default})
    gone = f"{rule['RouteRuleId']}|10.30.0.0/16|instance|{uhost_id}|0||delete"
    network.modify_route_rule({"RouteTableId": table, "RouteRule": [gone]})
    for each in (table, copy):
        network.delete_route_table({"RouteTableId": each})
        refused(8039, network.delete_route_table, {"RouteTableId": each})
    step("a route table is deleted once no subnet follows it")


def walk_security_groups(uhost_id, image):
    group = network.create_sec_group({"VPCID": vpc, "Name": "web"})["SecGroupId"]
    web = {
        "Direction": "Ingress",
        "IPRange": "10.0.0.0/8,192.168.0.0/16",
        "Priority": 10,
        "ProtocolType": "TCP",
        "DstPort": "80,443-450",
        "RuleAction": "Accept",
        "Remark": "web",
    }
    everything = {**web, "Direction": "Egress", "ProtocolType": "ALL", "DstPort": "ALL", "IPRange": "0.0.0.0/0"}
    made = network.create_sec_group_rule({"SecGroupId": group, "Rule": [web, everything]})["RuleId"]
    network.update_sec_group_rule({"SecGroupId": group, "Rule": [{**web, "RuleId": made[0], "RuleAction": "Drop"}]})
    network.delete_sec_group_rule({"SecGroupId": group, "RuleId": [made[1]]})
    (seen,) = network.describe_sec_group({"SecGroupId": [group]})["DataSet"]
    assert seen["Rule"] == [{**web, "RuleId": made[0], "RuleAction": "Drop", "IPVersion": "IPv4"}]
    refused(208605, network.create_sec_group_rule, {"SecGroupId": group, "Rule": [{**web, "DstPort": "http"}]})
    step("a security group is made, and its rules are made, changed and deleted")
    first = [json.dumps({"SecGroupId": group, "Priority": 1})]
    over = {"ResourceId": uhost_id, "IsRemoveFirewall": True, "PrioritySecGroup": first}
    assert machine(uhost_id)["NetFeatureTag"] == "Firewall"
    network.switch_to_sec_group(over)
    assert machine(uhost_id)["NetFeatureTag"] == "SecGroup"
    second = network.create_sec_group({"VPCID": vpc, "Name": "more"})["SecGroupId"]
    wanted = [{"SecGroupId": second, "Priority": 2}]
    network.associate_sec_group({"ResourceId": [uhost_id], "PrioritySecGroup": wanted})
    (bound,) = network.describe_resource_sec_group({"ResourceId": [uhost_id]})["DataSet"]
    assert [(one["SecGroupId"], one["Priority"]) for one in bound["SecGroupInfo"]] == [(group, 1), (second, 2)]
    refused(5024, network.delete_sec_group, {"SecGroupId": [group]})
    network.disassociate_sec_group({"ResourceId": [uhost_id], "SecGroupId": [group]})
    refused(230, network.disassociate_sec_group, {"ResourceId": [uhost_id]})
    network.disassociate_sec_group({"ResourceId": [uhost_id], "Force": True})
    step("a machine goes over to security groups, has two of them, and keeps one unless by force")
    network.update_sec_group({"SecGroupId": [second], "Remark": "more"})
    assert network.describe_sec_group({"VPCId": vpc, "Offset": 1})["DataSet"][0]["Remark"] == "more"
    network.switch_to_firewall({"ResourceId": uhost_id})
    network.switch_to_sec_group(over)
    (member,) = network.describe_sec_group_resource({"SecGroupId": group})["DataSet"]
    assert (member["ResourceId"], member["ResourceType"]) == (uhost_id, "uhost")
    network.disassociate_sec_group({"ResourceId": [uhost_id], "Force": True})
    step("a machine goes back to its firewall and over again, and a group tells its machines")
    inside = {"SecurityMode": "SecGroup", "SecGroupId": [{"Id": group, "Priority": 1}], "Name": "guarded"}
    born = uhost.create_uhost_instance(wish(image, **inside))["UHostIds"][0]
    assert network.describe_resource_sec_group({"ResourceType": "uhost", "Limit": 100})["TotalCount"] == 5
    wait_for(born, "Running", ("Initializing", "Starting"))
    network.disassociate_sec_group({"SecGroupId": [group], "Force": True})
    network.delete_sec_group({"SecGroupId": [group, second]})
    refused(208704, network.describe_sec_group, {"SecGroupId": [group]})
    step("a machine is created in a security group, and groups are deleted once nothing is bound to them")
    return born


def walk_temporary_keys():
    role = {"RoleUrn": "ucs:iam::company:role/Uk8sServiceCharacter", "RoleSessionName": "walk"}
    given = client.sts().assume_role({**role, "DurationSeconds": 900})["Credentials"]
    guest = client_with(given["AccessKeyId"], given["AccessKeySecret"])
    token = {"SecurityToken": given["SecurityToken"]}
    assert guest.invoke("DescribeVPC", token)["TotalCount"] == 1
    refused(174, guest.invoke, "DescribeVPC")
    refused(174, guest.invoke, "DescribeVPC", {"SecurityToken": "other"})
    refused(171, client_with(given["AccessKeyId"], "wrong").invoke, "DescribeVPC", token)
    refused(230, client.sts().assume_role, {**role, "DurationSeconds": 60})
    step("temporary keys are given, and are good with their token only")


def walk_power(uhost_id, others):
    refused(8856, uhost.terminate_uhost_instance, {"Zone": zone, "UHostId": uhost_id})
    refused(8905, uhost.start_uhost_instance, {"Zone": zone, "UHostId": uhost_id})
    step("a running machine is neither terminated nor started")
    uhost.stop_uhost_instance({"Zone": zone, "UHostId": uhost_id})
    wait_for(uhost_id, "Stopped", ("Stopping",))
    uhost.start_uhost_instance({"Zone": zone, "UHostId": uhost_id})
    wait_for(uhost_id, "Running", ("Starting",))
    step("a machine is stopped and started")
    uhost.reboot_uhost_instance({"Zone": zone, "UHostId": uhost_id})
    wait_for(uhost_id, "Running", ("Rebooting",))
    step("a machine is rebooted")
    for each in [uhost_id, *others]:
        uhost.poweroff_uhost_instance({"Zone": zone, "UHostId": each})
        wait_for(each, "Stopped", ("Stopping",))
        assert uhost.terminate_uhost_instance({"Zone": zone, "UHostId": each})["InRecycle"] == "No"
    assert uhost.describe_uhost_instance()["TotalCount"] == 0
    assert secondary_ips() == []
    assert network.describe_subnet_resource({"SubnetId": subnet})["TotalCount"] == 0
    step("machines are powered off and terminated, and their addresses are gone with them")
    refused(8039, uhost.start_uhost_instance, {"Zone": zone, "UHostId": uhost_id})
    step("a terminated machine does not exist")


def walk_full_subnet(image):
    made = uhost.create_uhost_instance(wish(image, SubnetId=small, Name="last"))["UHostIds"][0]
    wait_for(made, "Running", ("Initializing", "Starting"))
    mac = machine(made)["IPSet"][0]["Mac"]
    home = {"Zone": zone, "Mac": mac, "ObjectId": made, "SubnetId": small}
    partly = network.allocate_batch_secondary_ip({**home, "Count": 6})["IpsInfo"]
    assert [entry["Status"]["StatusCode"] for entry in partly].count("Succeeded") == 4
    refused(57000, network.allocate_secondary_ip, home)
    refused(8847, uhost.create_uhost_instance, wish(image, SubnetId=small))
    step("a full subnet gives what it has, then refuses")


def walk_refusals():
    refused(171, client_with(public_key, "wrong").uhost().describe_uhost_instance)
    refused(172, client_with("nobody", private_key).uhost().describe_uhost_instance)
    step("wrong keys are refused")
    refused(161, client.invoke, "DescribeNothing")
    refused(230, client.invoke, "DescribeUHostInstance", {"Zone": zone, "Colour": "red"})
    refused(220, client.invoke, "StartUHostInstance", {"Zone": zone})
    refused(292, uhost.describe_uhost_instance, {"ProjectId": "org-none"})
    refused(293, uhost.describe_uhost_instance, {"Zone": "hk-02"})
    step("unknown actions, parameters, projects and zones are refused")


walk_account()
the_image = walk_network()
the_machine, the_mac, the_batch = walk_create(the_image)
walk_addresses(the_machine, the_mac, the_batch[0])
walk_labels(the_machine)
walk_firewall(the_machine)
walk_balancers(the_machine)
walk_application_balancers(the_machine)
walk_classic_balancers(the_machine)
walk_disks(the_machine)
walk_file_systems()
walk_route_tables(the_machine)
guarded = walk_security_groups(the_machine, the_image)
the_batch += walk_interfaces(the_image)
the_batch.append(walk_images(the_image, the_machine))
walk_temporary_keys()
walk_power(the_machine, [*the_batch, guarded])
walk_full_subnet(the_image)
walk_refusals()
assert len(checked) > 90, f"the shapes of too few actions were checked: {sorted(checked)}"
print(json.dumps({"passed": len(passed)}))
