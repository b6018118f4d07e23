"""The study's mix of users: mostly they insert, and then wait for 5 to 15 s."""

from locust import HttpUser, between, task


class User(HttpUser):
    wait_time = between(5, 15)

    @task(1)
    def get(self) -> None:
        self.client.get("/")

    @task(10)
    def post(self) -> None:
        self.client.post("/")

    @task(1)
    def delete(self) -> None:
        self.client.delete("/")

    @task(1)
    def get_after_delete(self) -> None:
        self.client.delete("/")
        self.client.get("/", name="/ after delete")
