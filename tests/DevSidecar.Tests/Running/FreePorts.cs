using System.Net;
using System.Net.Sockets;

namespace WhatsAppMesh.DevSidecar.Tests.Running;

/// <summary>Ports for processes that are told theirs before they start.</summary>
internal static class FreePorts
{
    /// <summary>A port that nobody listens on, below those that Linux gives out by itself: nobody takes it before the process has started.</summary>
    public static int Next()
    {
        while (true)
        {
            using var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(20_000, 32_000));
            try
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
            }
        }
    }
}
