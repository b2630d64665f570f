//! Requests over plain HTTP: certificate lists, tests for a captive network, downloads of updates.

use super::super::talk::Talk;
use super::network::Site;
use super::scenes::{Scene, last_of_client};

/// Standard port of HTTP.
const HTTP_PORT: u16 = 80;

impl Scene<'_> {
    /// A request whose answer brings something.
    pub(super) fn fetch(&mut self, site: &Site) {
        let size = self.download() as usize;
        let body = self.noise.bytes(size);
        self.request(site, &body, |talk| talk);
    }

    /// A request whose answer is short.
    pub(super) fn short_request(&mut self, site: &Site) {
        let len = self.noise.between(0, 400) as usize;
        let body = self.noise.bytes(len);
        self.request(site, &body, Talk::unacknowledged);
    }

    fn request(&mut self, site: &Site, body: &[u8], manner: impl Fn(Talk) -> Talk) {
        let (client, server) = self.ends(site, HTTP_PORT);
        let round_trip = self.round_trip();
        let number = self.noise.below(100_000);
        let name = &site.name;
        let request = format!(
            "GET /index/{number}.dat HTTP/1.1\r\nHost: {name}\r\nUser-Agent: updater/3.1\r\n\
             Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\nServer: edge\r\nContent-Type: application/octet-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let talk = self.tcp(client, server).acknowledged_every(3).open();
        let talk = manner(talk).client(request.as_bytes());
        let told = (last_of_client(&talk), self.told("http", client, name));
        let talk = talk
            .pause(round_trip)
            .server(&[head.as_bytes(), body].concat())
            .close();
        self.play(&talk, &[told]);
    }
}
