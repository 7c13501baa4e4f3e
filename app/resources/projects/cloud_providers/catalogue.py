"""The cloud providers that a project can name. They are constant, so that there is no table of them."""

from typing import Final, NamedTuple


class CloudProvider(NamedTuple):
    """A place where infrastructure runs, and the terraform provider that builds it there."""

    name: str
    display_name: str
    terraform_provider: str


_ALL: Final = (
    CloudProvider("alicloud", "Alibaba Cloud", "aliyun/alicloud"),
    CloudProvider("aws", "Amazon Web Services", "hashicorp/aws"),
    CloudProvider("azurerm", "Microsoft Azure", "hashicorp/azurerm"),
    CloudProvider("cloudflare", "Cloudflare", "cloudflare/cloudflare"),
    CloudProvider("digitalocean", "DigitalOcean", "digitalocean/digitalocean"),
    CloudProvider("google", "Google Cloud", "hashicorp/google"),
    CloudProvider("hcloud", "Hetzner Cloud", "hetznercloud/hcloud"),
    CloudProvider("ibm", "IBM Cloud", "IBM-Cloud/ibm"),
    CloudProvider("kubernetes", "Kubernetes", "hashicorp/kubernetes"),
    CloudProvider("linode", "Akamai (Linode)", "linode/linode"),
    CloudProvider("oci", "Oracle Cloud Infrastructure", "oracle/oci"),
    CloudProvider("openstack", "OpenStack", "terraform-provider-openstack/openstack"),
    CloudProvider("ovh", "OVHcloud", "ovh/ovh"),
    CloudProvider("scaleway", "Scaleway", "scaleway/scaleway"),
    CloudProvider("tencentcloud", "Tencent Cloud", "tencentcloudstack/tencentcloud"),
    CloudProvider("vsphere", "VMware vSphere", "vmware/vsphere"),
    CloudProvider("vultr", "Vultr", "vultr/vultr"),
)

CATALOGUE: Final = {provider.name: provider for provider in _ALL}
"""All of them by name, which is what configurations call them and their id as well; sorted by it."""
