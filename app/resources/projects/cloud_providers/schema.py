"""The attributes and relationships of a cloud provider."""

from app.jsonapi.fields import Attribute
from app.jsonapi.schema import Schema


class CloudProviderSchema(Schema):
    """A cloud provider, with the address of its terraform provider in the public registry."""

    class Meta:
        """Its type and address."""

        type_ = "cloud-providers"
        self_link = "/api/v2/cloud-providers/{name}"

    id = Attribute(attribute="name")
    name = Attribute(description="The short name, which is also the id: `aws`.")
    display_name = Attribute(description="The name for people.")
    terraform_provider = Attribute(description="The address of the Terraform provider: `hashicorp/aws`.")
