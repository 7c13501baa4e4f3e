"""The cloud providers that a project can name. They are constant, so they have no table."""

from typing import Final, NamedTuple


class CloudProvider(NamedTuple):
    """A cloud, and the terraform provider for it."""

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
"""All of them, sorted, by the name that configurations use, which is also the id."""
